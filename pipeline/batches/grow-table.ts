import { Buffer } from 'node:buffer';
import { BatchSpill } from './batch-spill.ts';
import type { CellSettings } from '../csv/cells.ts';
import { type Column, findOrder } from './columns.ts';
import { quoteCell, readRowBytes } from '../csv/write.ts';
import type { CsvReader } from '../csv/reader.ts';
import { findPlaces } from './order.ts';
import { FileWriter, type Files } from './files.ts';
import { makeNumberCheck } from './check-numbers.ts';
import { checkHeader } from './conform.ts';

const LINE_BREAK = Buffer.from('\n');

export interface GrowOptions {
  readonly cells: CellSettings;
  readonly columns: readonly Column[];
  readonly delimiter: string;
  readonly batchSize: number;
  /** Rows of the whole table that are already known; they are skipped. */
  readonly known: number;
  /** The previous state: the order of its rows, and how many of them are in batches. */
  readonly before: {
    readonly rows: number;
    readonly shuffleSeed: number | null;
    readonly cut: number;
  };
  /** Where the next state is written. */
  readonly path: string;
}

/**
 * Writes the next state of a table that grows. It starts with the rows of the previous state that no batch was cut
 * from, in the order in which they would be cut. The new rows follow in their own order. Rows keep their bytes, but
 * lines end with LF and the columns keep the
 * order of the previous state.
 * @param openBefore opens the previous state; not called when no row is new
 * @param whole the table as it is now
 * @returns rows of the whole table, and rows written: 0 when no row is new
 * @throws BadData when the table cannot be read, or a new row has text in a number column
 */
export function growTable(
  openBefore: () => CsvReader,
  whole: CsvReader,
  options: GrowOptions,
  files: Files,
): { whole: number; rows: number } {
  const { known, columns, path, delimiter } = options;
  checkHeader(whole.header, columns, whole.file);
  const order = findOrder(
    columns.map(({ name }) => name),
    whole.header,
  );
  const check = makeNumberCheck(whole, columns, options.cells);
  const out = new FileWriter(path, files);
  let rows = 0;
  for (const block of whole.blocks()) {
    for (let row = Math.max(0, known - block.firstRow + 1); row < block.rows; row++) {
      check(block, row);
      if (rows === 0) {
        const names = order?.map((index) => whole.header[index]!) ?? whole.header;
        out.add(formatHeader(names, delimiter));
        for (const waiting of readWaitingRows(openBefore(), options, files)) out.add(waiting);
        rows = Math.max(0, options.before.rows - options.before.cut);
      }
      const { bytes, start, end } = readRowBytes(block, row, whole.width, delimiter, order);
      out.add(bytes.subarray(start, end));
      out.add(LINE_BREAK);
      rows++;
    }
  }
  if (rows > 0) out.end();
  return { whole: whole.rows, rows };
}

/** Reads the rows of the previous state that no batch was cut from, in the order in which they would be cut. */
function* readWaitingRows(
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
      const { bytes, start, end } = readRowBytes(block, row, reader.width, delimiter);
      spill.add(Math.floor(place / batchSize), place % batchSize, bytes, start, end);
    }
  }
  const pieces = Math.ceil((before.rows - before.cut) / batchSize);
  for (let piece = 0; piece < pieces; piece++) yield* spill.take(piece);
}

function formatHeader(names: readonly string[], delimiter: string): Buffer {
  const write = (name: string): string =>
    name.includes(delimiter) || /["\r\n]/.test(name) ? quoteCell(name) : name;
  return Buffer.from(`${names.map(write).join(delimiter)}\n`);
}

/** A state of a table that grows. States without new rows are not listed. */
export interface KnownState {
  /** Batches that were cut before this state. */
  readonly after: number;
  /** Rows of the whole table in this state. */
  readonly rows: number;
}

/** A table that grows: its states, oldest first, and how batches are cut from them. */
export interface KnownTable {
  readonly states: readonly KnownState[];
  readonly batchSize: number;
  /** Seed of the order of the first state's rows; later rows keep the order of the table. */
  readonly shuffleSeed: number | null;
}

/** Counts, for each state, the rows that it takes over from the state before: those no batch was cut from. */
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
 * Returns a function that finds the batch that a row is in, or will be in. It takes the index of a known row in the
 * whole table.
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
