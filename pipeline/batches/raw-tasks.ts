import { Buffer } from 'node:buffer';
import type { Column, ColumnType } from './columns.ts';
import { type CutFile, cut } from './cut.ts';
import type { CellSettings } from '../csv/cells.ts';
import { CsvReader } from '../csv/reader.ts';
import { refuseOtherFormats, checkDelimiter } from '../csv/refuse.ts';
import { findDifference, describeDifference } from './difference.ts';
import type { Files } from './files.ts';
import { growTable, type GrowOptions, makeBatchLookup, type KnownTable } from './grow-table.ts';
import { inferColumns } from './infer.ts';
import type { Task } from '../../contract/defaults.ts';
import type { Report } from '../progress.ts';
import { checkHeader } from './conform.ts';

/** Bytes read to recognise the delimiter of a header. */
const HEADER = 1 << 16;

/** A file of raw data in UTF-8. */
export type RawFile = ({ path: string } | { bytes: Uint8Array }) & {
  /** Names the file in errors. */
  file: string;
  /** The character between two cells. */
  delimiter: string;
};

function openReader(raw: RawFile, files: Files, report?: Report): CsvReader {
  const chunks =
    'bytes' in raw ? [raw.bytes] : reportChunks(files.read(raw.path), files.size(raw.path), report);
  return new CsvReader(chunks, raw.file, { delimiter: raw.delimiter });
}

/** Reads the first bytes of a file, enough for a header. */
function readStart(raw: RawFile, files: Files): Uint8Array {
  const pieces: Buffer[] = [];
  let length = 0;
  for (const piece of 'bytes' in raw ? [raw.bytes] : files.read(raw.path)) {
    pieces.push(Buffer.from(piece.subarray(0, HEADER)));
    length += piece.length;
    if (length >= HEADER) break;
  }
  return Buffer.concat(pieces);
}

/** Passes chunks on, and reports how much of the file is read. */
function* reportChunks(
  chunks: Iterable<Uint8Array>,
  size: number,
  report: Report | undefined,
): Generator<Uint8Array> {
  let read = 0;
  for (const chunk of chunks) {
    yield chunk;
    read += chunk.length;
    report?.(size === 0 ? 1 : Math.min(1, read / size));
  }
}

/**
 * Reads raw data to its end and returns the types of its columns.
 * @throws BadData when the data cannot be read or used
 */
export function inspectRaw(
  input: RawFile & {
    target: string;
    cells: CellSettings;
    declared: Record<string, ColumnType>;
    task: Task;
  },
  report: Report | undefined,
  { files }: { files: Files },
): { columns: Column[]; rows: number; warnings: string[] } {
  const start = readStart(input, files);
  refuseOtherFormats(start, input.file);
  checkDelimiter(start, input.file, input.delimiter);
  const reader = openReader(input, files, report);
  return { ...inferColumns(reader, input), rows: reader.rows };
}

/**
 * Cuts batches out of raw data, each as a file of canonical CSV in `folder`.
 * @throws BadData when the raw data cannot be read or does not fit the columns
 * @throws MissingHistory when the source has no such batch
 */
export function cutBatches(
  input: RawFile & {
    columns: Column[];
    target: string;
    cells: CellSettings;
    batchSize: number;
    shuffleSeed: number | null;
    rows: number;
    batches: number[];
    after?: number;
    folder: string;
  },
  report: Report | undefined,
  { files }: { files: Files },
): CutFile[] {
  const reader = openReader(input, files, report);
  checkHeader(reader.header, input.columns, input.file);
  const pathOf = (batch: number): string => `${input.folder}/batch_${batch}.csv`;
  return cut(reader, { ...input, pathOf }, files);
}

/**
 * Writes the next state of a table that grows to `path`; see {@link growTable}.
 * @throws BadData when the table cannot be read, or a new row does not fit its columns
 */
export function growRaw(
  input: Omit<GrowOptions, 'delimiter'> & { before: RawFile; whole: RawFile },
  report: Report | undefined,
  { files }: { files: Files },
): { whole: number; rows: number } {
  const { before, whole } = input;
  return growTable(
    () => openReader(before, files),
    openReader(whole, files, report),
    { ...input, delimiter: whole.delimiter },
    files,
  );
}

/**
 * Finds the first difference between an append-only table and its known rows.
 * @param input.known the known rows: in each file, those after the first `skip`
 * @param input.amended batches whose rows may differ
 * @returns a sentence about the difference, and the batch that the row is in or would be in; null if the table has
 *   only grown
 */
export function findFirstChange(
  input: {
    known: (RawFile & { skip: number })[];
    whole: RawFile;
    table: KnownTable;
    amended: number[];
  },
  report: Report | undefined,
  { files }: { files: Files },
): { where: string; batch: number | null } | null {
  const before = input.known.map((raw) => ({ reader: openReader(raw, files), skip: raw.skip }));
  const findBatch = makeBatchLookup(input.table);
  const amended = new Set(input.amended);
  const mayDiffer = (row: number): boolean => amended.size > 0 && amended.has(findBatch(row));
  const found = findDifference(before, openReader(input.whole, files, report), mayDiffer);
  if (found === null) return null;
  return {
    where: describeDifference(found),
    batch: found.kind === 'columns' ? null : findBatch(found.row - 1),
  };
}
