import { Buffer } from 'node:buffer';
import { BatchSpill } from './batch-spill.ts';
import type { Column } from './columns.ts';
import { quoteCell, copyRow } from '../csv/write.ts';
import type { CsvReader } from '../csv/reader.ts';
import { findPlaces } from './order.ts';
import { FileWriter, type Files } from './files.ts';
import { makeNumberCheck } from './check-numbers.ts';
import { checkHeader } from './conform.ts';

const LINE_BREAK = Buffer.from('\n');

export interface GrowOptions {
  readonly columns: readonly Column[];
  readonly missingValues: readonly string[];
  readonly delimiter: string;
  readonly batchSize: number;
  /** Rows of the whole table that are known already: they are passed by. */
  readonly known: number;
  /** The state before: how its rows are ordered, and how many of them batches have been cut from. */
  readonly before: {
    readonly rows: number;
    readonly shuffleSeed: number | null;
    readonly cut: number;
  };
  /** Where the later state is to be written. */
  readonly path: string;
}

/**
 * Writes a later state of a table that grows: of the state before the rows no batch was cut from, in the
 * order they would be cut in, then the rows that are new, in theirs. All as they are spelt, but for LF.
 * @param openBefore opens the state before; not called when nothing is new
 * @param whole the table as it is now
 * @returns rows of the whole table, and of the state written: 0 when nothing is new
 * @throws BadData when the table cannot be read, or a new row has text in a number column
 */
export function grow(
  openBefore: () => CsvReader,
  whole: CsvReader,
  options: GrowOptions,
  files: Files,
): { whole: number; rows: number } {
  const { known, columns, missingValues, path, delimiter } = options;
  checkHeader(whole.header, columns, whole.file);
  const check = makeNumberCheck(whole, columns, missingValues);
  const out = new FileWriter(path, files);
  let rows = 0;
  for (const block of whole.blocks()) {
    for (let row = Math.max(0, known - block.firstRow + 1); row < block.rows; row++) {
      check(block, row);
      if (rows === 0) {
        out.add(headerLine(whole.header, delimiter));
        for (const waiting of waitingRows(openBefore(), options, files)) out.add(waiting);
        rows = Math.max(0, options.before.rows - options.before.cut);
      }
      const { bytes, start, end } = copyRow(block, row, whole.width, delimiter);
      out.add(bytes.subarray(start, end));
      out.add(LINE_BREAK);
      rows++;
    }
  }
  if (rows > 0) out.end();
  return { whole: whole.rows, rows };
}

/** The rows of the state before that no batch was cut from, in the order they would be cut in. */
function* waitingRows(
  reader: CsvReader,
  { before, batchSize, path, delimiter }: GrowOptions,
  files: Files,
): Generator<Uint8Array> {
  if (before.cut >= before.rows) return;
  const places = findPlaces(before.rows, before.shuffleSeed);
  const spill = new BatchSpill(files, (piece) => `${path}.${piece}.rows`);
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      const index = block.firstRow - 1 + row;
      const place = (places?.[index] ?? index) - before.cut;
      if (place < 0) continue;
      const { bytes, start, end } = copyRow(block, row, reader.width, delimiter);
      spill.add(Math.floor(place / batchSize), place % batchSize, bytes, start, end);
    }
  }
  const pieces = Math.ceil((before.rows - before.cut) / batchSize);
  for (let piece = 0; piece < pieces; piece++) yield* spill.take(piece);
}

function headerLine(names: readonly string[], delimiter: string): Buffer {
  const spelt = (name: string): string =>
    name.includes(delimiter) || /["\r\n]/.test(name) ? quoteCell(name) : name;
  return Buffer.from(`${names.map(spelt).join(delimiter)}\n`);
}

/** A state of a table that grows, of all that brought rows. */
export interface KnownState {
  /** Batches that were cut before it came. */
  readonly after: number;
  /** Rows of the whole table in it. */
  readonly rows: number;
}

/** What is known of a table that grows: its states, oldest first, and how batches are cut from them. */
export interface KnownTable {
  readonly states: readonly KnownState[];
  readonly batchSize: number;
  /** Seed of the order of the first state's rows; later rows keep the table's. */
  readonly shuffleSeed: number | null;
}

/**
 * How many rows each state begins with that came before it: those that no batch had been cut from.
 */
export function countCarriedRows({ states, batchSize }: KnownTable): number[] {
  const carried = [0];
  for (let i = 1; i < states.length; i++) {
    const before = states[i - 1]!;
    const held = carried[i - 1]! + before.rows - (states[i - 2]?.rows ?? 0);
    carried.push(Math.max(0, held - (states[i]!.after - before.after) * batchSize));
  }
  return carried;
}

/**
 * Which batch each row of the table is in, or would be.
 * @returns a function of a row's number in the whole table, from 0, which must be known
 */
export function makeBatchLookup(table: KnownTable): (row: number) => number {
  const { states, batchSize, shuffleSeed } = table;
  const carried = countCarriedRows(table);
  const places = findPlaces(states[0]!.rows, shuffleSeed);
  return (row) => {
    let state = states.findIndex(({ rows }) => row < rows);
    let place =
      state === 0 ? (places?.[row] ?? row) : carried[state]! + row - states[state - 1]!.rows;
    for (; ; state++) {
      const { after } = states[state]!;
      const cut = (states[state + 1]?.after ?? Infinity) - after;
      const batch = Math.floor(place / batchSize);
      if (batch < cut) return after + batch + 1;
      place -= cut * batchSize;
    }
  };
}
