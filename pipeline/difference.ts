import { BadData } from '../errors.ts';
import { cellText, type CsvReader, type RowBlock } from './csv-reader.ts';

/** Where two tables first differ. Rows count from 1; `was` and `is` are their cells as text. */
export type Difference =
  | { readonly kind: 'none'; readonly rows: number }
  | { readonly kind: 'columns'; readonly was: string; readonly is: string }
  | { readonly kind: 'row'; readonly row: number; readonly was: string; readonly is: string }
  | { readonly kind: 'fewer'; readonly row: number; readonly was: string }
  | { readonly kind: 'more'; readonly before: number; readonly rows: number };

/**
 * Compares two tables row by row, in memory that does not grow with them. Rows spelt differently (in
 * quotes or without) are equal.
 * @throws BadData when either cannot be read
 */
export function differenceOf(before: CsvReader, after: CsvReader): Difference {
  if (before.header.join() !== after.header.join()) {
    return { kind: 'columns', was: before.header.join(', '), is: after.header.join(', ') };
  }
  const { width } = before;
  const old = rowsOf(before);
  const now = rowsOf(after);
  for (let row = 1; ; row++) {
    const was = old.next();
    const is = now.next();
    if (was.done === true && is.done === true) return { kind: 'none', rows: row - 1 };
    if (was.done === true) {
      while (now.next().done !== true); // to the end, to count them
      return { kind: 'more', before: row - 1, rows: after.rows };
    }
    if (is.done === true) return { kind: 'fewer', row, was: textOf(was.value, width) };
    if (!isEqual(was.value, is.value, width)) {
      return { kind: 'row', row, was: textOf(was.value, width), is: textOf(is.value, width) };
    }
  }
}

/**
 * Checks that a table that may grow still begins with the rows it had.
 * @returns how many rows it has now
 * @throws BadData showing the first of them that has changed
 */
export function checkGrown(before: CsvReader, after: CsvReader): number {
  const found = differenceOf(before, after);
  if (found.kind === 'none' || found.kind === 'more') return found.rows;
  throw new BadData(
    `${after.file} has changed where it may only grow (${sentenceOf(found)}): put the earlier rows ` +
      'back, or choose a new pipeline name with --pipeline',
  );
}

/** A difference as part of a sentence. */
export function sentenceOf(found: Difference): string {
  const { kind } = found;
  if (kind === 'columns') return `its columns were ${found.was} and are ${found.is}`;
  if (kind === 'row')
    return `row ${found.row} was "${shorten(found.was)}" and is "${shorten(found.is)}"`;
  if (kind === 'fewer') return `row ${found.row}, "${shorten(found.was)}", is gone`;
  if (kind === 'more') return `it had ${found.before} rows and has ${found.rows}`;
  return 'its rows are the same, but written differently';
}

interface Row {
  readonly block: RowBlock;
  row: number;
}

function* rowsOf(reader: CsvReader): Generator<Row> {
  for (const block of reader.blocks()) {
    const at = { block, row: 0 };
    for (; at.row < block.rows; at.row++) yield at;
  }
}

function isEqual(a: Row, b: Row, width: number): boolean {
  for (let column = 0; column < width; column++) {
    const x = 2 * (a.row * width + column);
    const y = 2 * (b.row * width + column);
    let i = a.block.cells[x]!;
    let j = b.block.cells[y]!;
    const end = a.block.cells[x + 1]!;
    if (end - i !== b.block.cells[y + 1]! - j) return false;
    while (i < end) if (a.block.bytes[i++] !== b.block.bytes[j++]) return false;
  }
  return true;
}

function textOf({ block, row }: Row, width: number): string {
  return Array.from({ length: width }, (_, column) => cellText(block, row * width + column)).join();
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
