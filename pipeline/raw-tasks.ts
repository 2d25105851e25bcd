import { Buffer } from 'node:buffer';
import type { Column, ColumnType } from './columns.ts';
import { type CutFile, cut } from './cut.ts';
import { CsvReader } from './csv-reader.ts';
import { refuseOtherFormats } from './csv-refuse.ts';
import { checkDelimiter } from './delimiter.ts';
import { checkGrown, differenceOf, sentenceOf } from './difference.ts';
import type { Files } from './files.ts';
import { inferColumns } from './infer.ts';
import type { Report } from './progress.ts';
import { checkHeader } from './rows.ts';

/** Bytes looked at to tell the delimiter of a header. */
const HEADER = 1 << 16;

/** A file of raw data in UTF-8. */
export type RawFile = ({ path: string } | { bytes: Uint8Array }) & {
  /** Names it in errors. */
  file: string;
  /** Between two cells: one character. */
  delimiter: string;
};

function open(raw: RawFile, files: Files, report?: Report): CsvReader {
  const chunks =
    'bytes' in raw ? [raw.bytes] : reported(files.read(raw.path), files.size(raw.path), report);
  return new CsvReader(chunks, raw.file, { delimiter: raw.delimiter });
}

/** As much of the file as a header may take. */
function startOf(raw: RawFile, files: Files): Uint8Array {
  const pieces: Buffer[] = [];
  let length = 0;
  for (const piece of 'bytes' in raw ? [raw.bytes] : files.read(raw.path)) {
    pieces.push(Buffer.from(piece.subarray(0, HEADER)));
    length += piece.length;
    if (length >= HEADER) break;
  }
  return Buffer.concat(pieces);
}

function* reported(
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
 * Reads raw data through and says what its columns are.
 * @throws BadData when it cannot be read or used
 */
export function inspectRaw(
  input: RawFile & {
    target: string;
    declared: Record<string, ColumnType>;
    missingValues: string[];
  },
  report: Report | undefined,
  { files }: { files: Files },
): { columns: Column[]; rows: number; warnings: string[] } {
  const start = startOf(input, files);
  refuseOtherFormats(start, input.file);
  checkDelimiter(start, input.file, input.delimiter);
  const reader = open(input, files, report);
  return { ...inferColumns(reader, input), rows: reader.rows };
}

/**
 * Cuts batches out of raw data, each as a file of canonical CSV in `folder`.
 * @throws BadData when the raw data cannot be read or is not of the columns
 * @throws MissingHistory when the source has no such batch
 */
export function cutBatches(
  input: RawFile & {
    columns: Column[];
    target: string;
    missingValues: string[];
    batchSize: number;
    shuffleSeed: number | null;
    rows: number;
    batches: number[];
    folder: string;
  },
  report: Report | undefined,
  { files }: { files: Files },
): CutFile[] {
  const reader = open(input, files, report);
  checkHeader(reader.header, input.columns, input.file);
  const pathOf = (batch: number): string => `${input.folder}/batch_${batch}.csv`;
  return cut(reader, { ...input, pathOf }, files);
}

/**
 * Checks that the later state of a source that may grow begins with the rows of the earlier.
 * @returns how many rows it has now
 * @throws BadData showing the first of them that has changed
 */
export function checkGrowth(
  input: { before: RawFile; after: RawFile },
  report: Report | undefined,
  { files }: { files: Files },
): number {
  return checkGrown(open(input.before, files, report), open(input.after, files));
}

/** Where two files first differ, for a sentence: the row and what stands there. */
export function firstDifference(
  input: { before: RawFile; after: RawFile },
  report: Report | undefined,
  { files }: { files: Files },
): string {
  const before = open(input.before, files, report);
  return sentenceOf(differenceOf(before, open(input.after, files)));
}
