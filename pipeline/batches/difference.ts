import { findOrder } from './columns.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';

/** The first difference between a known table and a later state of it. Rows count from 1; cells are text. */
export type Difference =
  | { readonly kind: 'columns'; readonly was: string; readonly is: string }
  | { readonly kind: 'row'; readonly row: number; readonly was: string; readonly is: string }
  | { readonly kind: 'fewer'; readonly row: number; readonly was: string };

/** Some rows of a table in order: the rows of a file after the first `skip`. */
export interface KnownRows {
  readonly reader: CsvReader;
  readonly skip: number;
}

/**
 * Finds the first difference between the known rows of a table and its present rows. Memory does not grow with the
 * rows. Rows that differ only in quotes are equal. New rows at the end of the table are not a difference.
 * Columns in another order are not a difference.
 * @param before the known rows, in files with the same columns
 * @param mayDiffer whether a row, counted from 0, is allowed to differ
 * @throws BadData when a file cannot be read
 */
export function findDifference(
  before: readonly KnownRows[],
  after: CsvReader,
  mayDiffer: (row: number) => boolean,
): Difference | null {
  const { header, width } = before[0]!.reader;
  const present = new Set(after.header);
  const isSame = header.length === after.width && header.every((name) => present.has(name));
  if (!isSame) return { kind: 'columns', was: header.join(', '), is: after.header.join(', ') };
  const order = findOrder(header, after.header);
  const now = iterateRows(after);
  let index = 0;
  for (const { reader, skip } of before) {
    let passed = 0;
    for (const was of iterateRows(reader)) {
      if (passed++ < skip) continue;
      const is = now.next();
      const row = index + 1;
      if (is.done === true) return { kind: 'fewer', row, was: formatRowText(was, width) };
      if (!isEqual(was, is.value, width, order) && !mayDiffer(index))
        return {
          kind: 'row',
          row,
          was: formatRowText(was, width),
          is: formatRowText(is.value, width, order),
        };
      index++;
    }
  }
  return null;
}

/** Describes a difference as part of a sentence. */
export function describeDifference(found: Difference): string {
  const { kind } = found;
  if (kind === 'columns') return `its columns were ${found.was} and are ${found.is}`;
  if (kind === 'fewer') return `row ${found.row}, "${shorten(found.was)}", is gone`;
  return `row ${found.row} was "${shorten(found.was)}" and is "${shorten(found.is)}"`;
}

interface Row {
  readonly block: RowBlock;
  row: number;
}

function* iterateRows(reader: CsvReader): Generator<Row> {
  for (const block of reader.blocks()) {
    const at = { block, row: 0 };
    for (; at.row < block.rows; at.row++) yield at;
  }
}

function isEqual(a: Row, b: Row, width: number, order: readonly number[] | undefined): boolean {
  for (let column = 0; column < width; column++) {
    const x = 2 * (a.row * width + column);
    const y = 2 * (b.row * width + (order?.[column] ?? column));
    let i = a.block.cells[x]!;
    let j = b.block.cells[y]!;
    const end = a.block.cells[x + 1]!;
    if (end - i !== b.block.cells[y + 1]! - j) return false;
    while (i < end) if (a.block.bytes[i++] !== b.block.bytes[j++]) return false;
  }
  return true;
}

function formatRowText({ block, row }: Row, width: number, order?: readonly number[]): string {
  return Array.from({ length: width }, (_, i) =>
    readCell(block, row * width + (order?.[i] ?? i)),
  ).join();
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
