import { Buffer } from 'node:buffer';
import { BatchSpill } from './batch-spill.ts';
import type { Column } from './columns.ts';
import { quoted } from '../csv/csv.ts';
import type { CsvReader } from '../csv/reader.ts';
import { placesOf } from './cut.ts';
import { FileWriter } from './file-writer.ts';
import type { Files } from './files.ts';
import { numberCheck } from '../csv/number-check.ts';
import { checkHeader } from '../csv/rows.ts';
import { spellingOf } from '../csv/spelling.ts';

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
  const check = numberCheck(whole, columns, missingValues);
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
      const { bytes, start, end } = spellingOf(block, row, whole.width, delimiter);
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
  const places = placesOf(before.rows, before.shuffleSeed);
  const spill = new BatchSpill(files, (piece) => `${path}.${piece}.rows`);
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      const index = block.firstRow - 1 + row;
      const place = (places?.[index] ?? index) - before.cut;
      if (place < 0) continue;
      const { bytes, start, end } = spellingOf(block, row, reader.width, delimiter);
      spill.add(Math.floor(place / batchSize), place % batchSize, bytes, start, end);
    }
  }
  const pieces = Math.ceil((before.rows - before.cut) / batchSize);
  for (let piece = 0; piece < pieces; piece++) yield* spill.take(piece);
}

function headerLine(names: readonly string[], delimiter: string): Buffer {
  const spelt = (name: string): string =>
    name.includes(delimiter) || /["\r\n]/.test(name) ? quoted(name) : name;
  return Buffer.from(`${names.map(spelt).join(delimiter)}\n`);
}
