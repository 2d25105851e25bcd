import { BadData } from '../../contract/failures.ts';
import { indexNames } from '../batches/columns.ts';
import { quote } from '../csv/quote.ts';
import { guessDelimiter } from '../csv/refuse.ts';
import { type CsvReader, decodeCells } from '../csv/reader.ts';
import type { FeatureReader } from './feature-reader.ts';
import type { RawColumn, Unreadable } from './predictor.ts';

/** Some raw rows. It is valid until the next block is read. */
export interface RawBlock {
  readonly rows: number;
  readonly read: (reader: FeatureReader, row: number) => number;
  /** Where a row is, for messages: `line 7`. */
  readonly locate: (row: number) => string;
  /** The value of a cell as the input has it; undefined where the input has no such column. */
  readonly valueOf: (column: string, row: number) => unknown;
}

/**
 * Reads the rows of CSV, one block at a time.
 * @param hintDelimiter says what to do if this is the delimiter of the input, and not that of the reader
 * @throws BadData when a column of the model is absent, or like the reader
 */
export function* readCsvBlocks(
  reader: CsvReader,
  columns: readonly RawColumn[],
  hintDelimiter: (delimiter: string) => string,
): Generator<RawBlock> {
  refuseOtherDelimiter(reader, columns, hintDelimiter);
  refuseMissing(columns, new Set(reader.header), reader.file);
  const places = indexNames(reader.header);
  const { width } = reader;
  for (const block of reader.blocks()) {
    const readText = decodeCells(block);
    yield {
      rows: block.rows,
      read: (one, row) => one.readText(readText(row * width + places.get(one.column)!)),
      locate: (row) => `${reader.file}, line ${block.lines[row]}`,
      valueOf: (column, row) => {
        const place = places.get(column);
        return place === undefined ? undefined : readText(row * width + place);
      },
    };
  }
}

function refuseOtherDelimiter(
  { header, file }: CsvReader,
  columns: readonly RawColumn[],
  hint: (delimiter: string) => string,
): void {
  const [only = '', ...others] = header;
  const delimiter = guessDelimiter(only);
  const isColumn = columns.some(({ name }) => name === only);
  if (others.length > 0 || delimiter === undefined || isColumn) return;
  throw new BadData(
    `${file} has a single column, ${quote(only)}: its delimiter seems to be ${JSON.stringify(delimiter)}; ${hint(delimiter)}`,
  );
}

/** @param valueOf the value of a cell as JSON or Parquet has it; undefined where the input has no such column */
export function blockOf(
  rows: number,
  valueOf: (row: number, column: string) => unknown,
  locate: (row: number) => string,
): RawBlock {
  return {
    rows,
    read: (reader, row) => reader.readValue(valueOf(row, reader.column)),
    locate,
    valueOf: (column, row) => valueOf(row, column),
  };
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  if (value instanceof Date) return value.toJSON();
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}

/**
 * Refuses an input that lacks a column of the model.
 * @throws BadData
 */
export function refuseMissing(
  columns: readonly RawColumn[],
  present: ReadonlySet<string>,
  input: string,
): void {
  const missing = columns.filter((column) => !present.has(column.name));
  if (missing.length === 0) return;
  const names = missing.map((column) => quote(column.name)).join(', ');
  const isOne = missing.length === 1;
  throw new BadData(
    `${input} lacks ${isOne ? 'column' : 'columns'} ${names}, which the model reads: add ${isOne ? 'it' : 'them'}`,
  );
}

/** A sentence without its end: which cell cannot be read, and why. */
export function describeUnreadable(block: RawBlock, { row, column }: Unreadable): string {
  const fault =
    column.type === 'category'
      ? 'is a word that the model has not learnt'
      : `is not a ${column.type}`;
  const cell = describeValue(block.valueOf(column.name, row));
  return `${block.locate(row)}, column ${quote(column.name)}: ${cell} ${fault}`;
}
