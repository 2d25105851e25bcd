import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { BadData, BadParams } from '../../../contract/failures.ts';
import type { Encoding } from '../../../sources/text.ts';
import { isObject } from '../../../contract/canonical-json.ts';
import { CsvReader } from '../../../pipeline/csv/reader.ts';
import type { RawColumn } from '../../../pipeline/predictions/predictor.ts';
import {
  blockOf,
  type RawBlock,
  readCsvBlocks,
  refuseMissing,
} from '../../../pipeline/predictions/raw-block.ts';

/** Raw rows of a file or of stdin. */
export interface RawRows {
  /** Size in bytes, 0 if it is not known. */
  readonly size: number;
  /** @param onBytes is called with the number of bytes that were read */
  blocks(columns: readonly RawColumn[], onBytes: (bytes: number) => void): AsyncIterable<RawBlock>;
}

/** The format of an input or an output. */
export type Format = 'csv' | 'jsonl' | 'parquet';

const FORMATS: Record<string, Format> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.parquet': 'parquet',
};

/**
 * The format of a file by its extension; `-` is CSV.
 * @throws BadParams for another extension
 */
export function findFormat(path: string): Format {
  const format = path === '-' ? 'csv' : FORMATS[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new BadParams(
    `${path} has no known extension: use .csv, .jsonl or .parquet, or - for CSV on a pipe`,
  );
}

/**
 * The format of a file of predictions by its extension; `-` is CSV.
 * @throws BadParams for an extension that does not say which format it is
 */
export function findOutputFormat(path: string): Format {
  if (path === '-' || !['.txt', '.tsv'].includes(extname(path).toLowerCase()))
    return findFormat(path);
  throw new BadParams(
    `--out ${path}: its extension does not name the format of the predictions: use .csv, .jsonl or .parquet, or - for CSV on stdout`,
  );
}

/** Bytes read at a time. */
const PIECE = 1 << 20;

/** Rows of a block that is not CSV. */
const ROWS = 8192;

/** How CSV is written. */
export interface CsvStyle {
  readonly delimiter: string;
  readonly encoding: Encoding;
}

/**
 * Opens the rows of a file, or of stdin if the path is `-`.
 * @throws BadParams when the file does not exist or cannot be read
 */
export async function openRows(path: string, format: Format, style: CsvStyle): Promise<RawRows> {
  if (format === 'parquet') return openParquet(path);
  const file = openInput(path);
  const name = path === '-' ? 'stdin' : path;
  const stat = fstatSync(file);
  if (stat.isDirectory())
    throw new BadParams(`${name} is a folder: give the path of a file with rows`);
  const { toUtf8 } = await import('../../../sources/text.ts');
  const bytes = (onBytes: (bytes: number) => void): Iterable<Uint8Array> =>
    readPieces(file, onBytes);
  const text = (onBytes: (bytes: number) => void): Iterable<Uint8Array> =>
    style.encoding === 'latin1' ? convert(bytes(onBytes), toUtf8) : bytes(onBytes);
  return {
    size: stat.isFile() ? stat.size : 0,
    blocks: (columns, onBytes) =>
      format === 'csv'
        ? readCsv(text(onBytes), name, style.delimiter, columns)
        : readLines(bytes(onBytes), name, columns),
  };
}

function openInput(path: string): number {
  if (path === '-') return 0;
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new BadParams(`${path} cannot be read: give the path of a file with rows`, { cause });
  }
}

function* convert<T>(pieces: Iterable<T>, one: (piece: T) => T): Generator<T> {
  for (const piece of pieces) yield one(piece);
}

function* readPieces(file: number, onBytes: (bytes: number) => void): Generator<Uint8Array> {
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE);
      const read = readSome(file, piece);
      if (read === 0) return;
      onBytes(read);
      yield piece.subarray(0, read);
    }
  } finally {
    if (file !== 0) closeSync(file);
  }
}

/** Reads from a pipe that may be empty for a while, or from a file. */
function readSome(file: number, into: Buffer): number {
  for (;;) {
    try {
      return readSync(file, into, 0, into.length, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

async function* readCsv(
  bytes: Iterable<Uint8Array>,
  name: string,
  delimiter: string,
  columns: readonly RawColumn[],
): AsyncGenerator<RawBlock> {
  const reader = new CsvReader(bytes, name, { delimiter });
  yield* readCsvBlocks(reader, columns, (other) => `give --delimiter ${quoteForShell(other)}`);
}

/** A delimiter as an argument that can be pasted into a shell. */
function quoteForShell(delimiter: string): string {
  return delimiter === '\t' ? String.raw`'\t'` : `'${delimiter}'`;
}

/** Reads one JSON object per line. A key that a row lacks is a missing value. */
async function* readLines(
  bytes: Iterable<Uint8Array>,
  name: string,
  columns: readonly RawColumn[],
): AsyncGenerator<RawBlock> {
  let line = 0;
  let start = 0;
  let rows: Record<string, unknown>[] = [];
  let isFirst = true;
  const finish = (): RawBlock => {
    if (isFirst) refuseMissing(columns, new Set(rows.flatMap((row) => Object.keys(row))), name);
    isFirst = false;
    const [block, first] = [rows, start];
    return blockOf(
      block.length,
      (row, column) => block[row]![column],
      (row) => `${name}, line ${first + row}`,
    );
  };
  for (const text of splitLines(bytes, name)) {
    line++;
    if (text.trim() === '') continue;
    if (rows.length === 0) start = line;
    rows.push(parseRow(text, `${name}, line ${line}`));
    if (rows.length < ROWS) continue;
    yield finish();
    rows = [];
  }
  if (rows.length > 0) yield finish();
  else if (isFirst) throw new BadData(`${name} has no rows: add at least one`);
}

function parseRow(text: string, where: string): Record<string, unknown> {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch (cause) {
    throw new BadData(`${where} is not JSON: write one object on each line`, { cause });
  }
  if (!isObject(row)) throw new BadData(`${where} is not an object: write one object on each line`);
  // Without a prototype a column named "constructor" is missing where the row has none.
  return Object.setPrototypeOf(row, null) as Record<string, unknown>;
}

/** Characters of the longest line. */
const LONGEST_LINE = 1 << 26;

function* splitLines(bytes: Iterable<Uint8Array>, name: string): Generator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (piece?: Uint8Array): string => {
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch (cause) {
      throw new BadData(`${name} is not UTF-8: save it as UTF-8`, { cause });
    }
  };
  let rest = '';
  for (const piece of bytes) {
    const lines = (rest + decode(piece)).split('\n');
    rest = lines.pop()!;
    if (rest.length > LONGEST_LINE)
      throw new BadData(`${name} has a line of more than 64 MB: write one row on each line`);
    yield* lines;
  }
  rest += decode(); // throws where the last character is cut off
  if (rest !== '') yield rest;
}

async function openParquet(path: string): Promise<RawRows> {
  if (path === '-') throw new BadParams('Parquet cannot be read from a pipe: give a file');
  const { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema } =
    await import('hyparquet');
  const { compressors } = await import('hyparquet-compressors');
  closeSync(openInput(path));
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
    throw new BadData(`${path} is not Parquet: give a Parquet file, or another extension`, {
      cause,
    });
  });
  const names = parquetSchema(metadata).children.map(({ element }) => element.name);
  return {
    size: file.byteLength,
    blocks: async function* (columns, onBytes) {
      refuseMissing(columns, new Set(names), path);
      let start = 0;
      for (const group of metadata.row_groups) {
        const end = start + Number(group.num_rows);
        // By column, because an object for each row takes four times the memory.
        const pieces = new Map<string, ArrayLike<unknown>[]>(columns.map(({ name }) => [name, []]));
        await parquetRead({
          file,
          metadata,
          compressors,
          columns: columns.map(({ name }) => name),
          rowStart: start,
          rowEnd: end,
          onChunk: ({ columnName, columnData }) => pieces.get(columnName)!.push(columnData),
        }).catch((cause: unknown) => {
          throw new BadData(
            `${path}, rows ${start + 1} to ${end}, cannot be read as Parquet: write the file again`,
            { cause },
          );
        });
        onBytes(Number(group.total_compressed_size ?? group.total_byte_size));
        const cells = new Map(
          Array.from(pieces, ([name, arrays]) => [
            name,
            arrays.length === 1 ? arrays[0]! : arrays.flatMap((array) => Array.from(array)),
          ]),
        );
        for (let at = 0; at < end - start; at += ROWS) {
          const first = start + at;
          yield blockOf(
            Math.min(ROWS, end - first),
            (row, column) => cells.get(column)?.[at + row],
            (row) => `${path}, row ${first + row + 1}`,
          );
        }
        start = end;
      }
    },
  };
}
