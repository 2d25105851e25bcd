import { type ColumnTable, fromArrow } from 'arquero';
import {
  batchType,
  Column as ArrowColumn,
  type DataType,
  dictionary,
  float64,
  int32,
  type Table,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  Type,
  utf8,
} from '@uwdata/flechette';
import { BadData, messageOf } from '../../contract/failures.ts';
import type { Tally } from './tally.ts';
import { byCodePoint } from '../../contract/codepoints.ts';

/** A column of a part: numbers, or words. */
export interface PartColumn {
  readonly name: string;
  readonly type: 'number' | 'category';
}

/** One side of one batch: the features in the file's order and the label of every row. */
export interface Part {
  readonly features: readonly PartColumn[];
  readonly label: PartColumn;
  /** Numbers and words by the names of the columns; null where a cell is missing. No label is missing. */
  readonly table: ColumnTable;
}

/**
 * Writes a part as an Arrow IPC file (Feather version 2): a nullable float64 for each column of numbers, a
 * nullable dictionary of UTF-8 for each column of words, the label last. Equal parts give equal bytes.
 */
export function partToArrow({ features, label, table }: Part): Uint8Array {
  const types = [...features, label].map(
    ({ name, type }) =>
      [name, type === 'number' ? float64() : dictionary(utf8(), int32())] as const,
  );
  // arquero writes no record batch for a table without rows, and cannot read such a file.
  if (table.numRows() === 0) {
    const columns = types.map(([name, type]): [string, ArrowColumn<unknown>] => [
      name,
      makeEmptyColumn(type),
    ]);
    return tableToIPC(tableFromColumns(columns), { format: 'file' })!;
  }
  const columns = types.map(([name]) => name);
  return table.toArrowIPC({ format: 'file', columns, types: Object.fromEntries(types) });
}

/**
 * Reads what {@link partToArrow} wrote.
 * @param what names the part in errors
 * @throws BadData when the bytes are not such a file
 */
export function partFromArrow(bytes: Uint8Array, what = 'the encoded part'): Part {
  const arrow = readArrow(bytes, what);
  const features = arrow.schema.fields.map(({ name, type }): PartColumn => ({
    name,
    type: type.typeId === Type.Dictionary ? 'category' : 'number',
  }));
  const label = features.pop();
  if (label === undefined) {
    throw new BadData(`${what} does not end with a label column: preprocess the batch again`);
  }
  if (arrow.getChildAt(0).data.length === 0) {
    throw new BadData(`${what} holds no record batch: preprocess the batch again`);
  }
  return { features, label, table: fromArrow(bytes) };
}

/** The columns of the features of a part, as Arrow has them; throws like {@link partFromArrow}. */
export function readFeatures(bytes: Uint8Array): {
  rows: number;
  features: { name: string; column: ArrowColumn<unknown> }[];
} {
  const arrow = readArrow(bytes, 'the encoded part');
  const names = arrow.schema.fields.slice(0, -1).map(({ name }) => name);
  return {
    rows: arrow.numRows,
    features: names.map((name, i) => ({ name, column: arrow.getChildAt(i) })),
  };
}

/** Leaves out the rows with a flag. */
export function dropRows(part: Part, flags: Uint8Array): Part {
  const kept = Array.from(flags.keys()).filter((row) => flags[row] === 0);
  return kept.length === flags.length ? part : { ...part, table: part.table.reify(kept) };
}

/** Counts the rows of a part; throws like {@link partFromArrow}. */
export function countRows(bytes: Uint8Array): number {
  return readArrow(bytes, 'the encoded part').numRows;
}

/** Counts how often each word of a column occurs. */
export function countWords(table: ColumnTable, name: string): Tally {
  // Only this column is selected, because arquero visits every column of a table that it groups.
  const counted = table.select(name).groupby(name).count({ as: ' count' });
  const words = counted.array(name) as (string | null)[];
  const times = counted.array(' count') as number[];
  return words
    .flatMap((word, i) => (word === null ? [] : [[word, times[i]!] as const]))
    .sort(([a], [b]) => byCodePoint(a, b));
}

function readArrow(bytes: Uint8Array, what: string): Table {
  try {
    return tableFromIPC(bytes);
  } catch (error) {
    throw new BadData(`${what} is not Arrow (${messageOf(error)}): preprocess the batch again`, {
      cause: error,
    });
  }
}

/** Makes a column of one record batch without rows. */
function makeEmptyColumn(type: DataType): ArrowColumn<unknown> {
  const Class = batchType(type) as unknown as new (of: object) => EmptyBatch;
  const values = type.typeId === Type.Float ? new Float64Array(0) : new Int32Array(0);
  const none = { length: 0, nullCount: 0, validity: new Uint8Array(0) };
  const batch = new Class({ ...none, type, values, offsets: new Int32Array(1) });
  if (type.typeId === Type.Dictionary) batch.setDictionary(makeEmptyColumn(type.dictionary));
  return new ArrowColumn([batch as never], type);
}

interface EmptyBatch {
  setDictionary(words: ArrowColumn<unknown>): void;
}
