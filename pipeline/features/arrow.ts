import { Buffer } from 'node:buffer';
import {
  type Batch,
  batchType,
  Column,
  type DataType,
  dictionary,
  float64,
  int32,
  type Table,
  tableFromColumns,
  tableFromIPC,
  tableToIPC,
  utf8,
} from '@uwdata/flechette';
import { BadData, messageOf } from '../../contract/failures.ts';
import type { NumberColumn, Part, PartColumn, WordColumn } from './part.ts';

/**
 * Writes a part as an Arrow IPC file (Feather version 2): a nullable float64 for each number column, a
 * nullable dictionary of UTF-8 for each column of words, the label last. One record batch; equal parts
 * give equal bytes. Batches are put together by hand because flechette's own builders order a
 * dictionary by first appearance and cannot write a column of no rows.
 */
export function partToArrow(part: Part): Uint8Array {
  const columns = [...part.columns, part.label].map((column): [string, Column<unknown>] => [
    column.name,
    column.type === 'number' ? numbersToArrow(column) : wordsToArrow(column),
  ]);
  return tableToIPC(tableFromColumns(columns), { format: 'file' })!;
}

/**
 * Reads what {@link partToArrow} wrote.
 * @param what names the part in errors
 * @throws BadData when the bytes are not such a file
 */
export function partFromArrow(bytes: Uint8Array, what = 'the encoded part'): Part {
  const table = read(bytes, what);
  const columns = table.schema.fields.map(({ name }, index): PartColumn => {
    const [batch] = table.getChildAt(index).data as readonly ArrowBatch[];
    if (!batch) throw new BadData(`${what} holds no record batch: preprocess the batch again`);
    return batch.dictionary ? wordsFromArrow(name, batch) : numbersFromArrow(name, batch);
  });
  const label = columns.pop();
  if (label === undefined) {
    throw new BadData(`${what} does not end with a label column: preprocess the batch again`);
  }
  return { rows: table.numRows, columns, label };
}

/** How many rows a part has; throws as {@link partFromArrow} does. */
export function rowsInArrow(bytes: Uint8Array): number {
  return read(bytes, 'the encoded part').numRows;
}

/** The parts of flechette's batches used here; its types tell them apart by class only. */
interface ArrowBatch {
  readonly length: number;
  readonly nullCount: number;
  readonly type: DataType;
  readonly values: ArrayLike<number>;
  readonly dictionary?: Column<string>;
  isValid(index: number): boolean;
}

function read(bytes: Uint8Array, what: string): Table {
  try {
    return tableFromIPC(bytes);
  } catch (error) {
    throw new BadData(`${what} is not Arrow (${messageOf(error)}): preprocess the batch again`, {
      cause: error,
    });
  }
}

function numbersToArrow({ values }: NumberColumn): Column<unknown> {
  const known = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) known[i] = Number.isNaN(values[i]) ? 0 : 1;
  const nulls = validity(known);
  let filled = values;
  if (nulls.nullCount > 0) {
    // Zero under each missing cell: the payload of a NaN is not ours to choose.
    filled = values.slice();
    for (let i = 0; i < filled.length; i++) if (known[i] === 0) filled[i] = 0;
  }
  return arrowColumn(float64(), { length: values.length, ...nulls, values: filled });
}

function wordsToArrow({ words, codes }: WordColumn): Column<unknown> {
  const text = utf8();
  const type = dictionary(text, int32());
  const known = new Uint8Array(codes.length);
  const values = new Int32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    if (codes[i]! < 0) continue;
    known[i] = 1;
    values[i] = codes[i]!;
  }
  const column = arrowColumn(type, { length: codes.length, ...validity(known), values });
  const [batch] = column.data as unknown as { setDictionary(words: Column<unknown>): void }[];
  batch!.setDictionary(textToArrow(words, text));
  return column;
}

/** `type` must be the very object the dictionary's type refers to: flechette finds dictionaries by it. */
function textToArrow(words: readonly string[], type: DataType): Column<unknown> {
  const offsets = new Int32Array(words.length + 1);
  words.forEach((word, i) => (offsets[i + 1] = offsets[i]! + Buffer.byteLength(word)));
  const values = new Uint8Array(offsets[words.length]!);
  new TextEncoder().encodeInto(words.join(''), values);
  const nulls = { nullCount: 0, validity: new Uint8Array(0) };
  return arrowColumn(type, { length: words.length, ...nulls, offsets, values });
}

/** A column of one batch made of the given buffers. */
function arrowColumn(
  type: DataType,
  buffers: Omit<ConstructorParameters<typeof Batch>[0], 'type'>,
): Column<unknown> {
  const Class = batchType(type) as unknown as typeof Batch;
  return new Column([new Class({ ...buffers, type })], type);
}

/** Arrow's bitmap of the cells that are 1, least significant bit first; empty when all are. */
function validity(known: Uint8Array): { nullCount: number; validity: Uint8Array } {
  const bits = new Uint8Array(Math.ceil(known.length / 8));
  let count = 0;
  for (let i = 0; i < known.length; i++) {
    bits[i >> 3]! |= known[i]! << (i & 7);
    count += known[i]!;
  }
  const nullCount = known.length - count;
  return { nullCount, validity: nullCount === 0 ? new Uint8Array(0) : bits };
}

function numbersFromArrow(name: string, batch: ArrowBatch): NumberColumn {
  const values = Float64Array.from({ length: batch.length }, (_, i) => batch.values[i]!);
  if (batch.nullCount > 0) {
    for (let i = 0; i < values.length; i++) if (!batch.isValid(i)) values[i] = Number.NaN;
  }
  return { name, type: 'number', values };
}

function wordsFromArrow(name: string, batch: ArrowBatch): WordColumn {
  const codes = Int32Array.from({ length: batch.length }, (_, i) => batch.values[i]!);
  if (batch.nullCount > 0) {
    for (let i = 0; i < codes.length; i++) if (!batch.isValid(i)) codes[i] = -1;
  }
  return { name, type: 'category', words: [...batch.dictionary!] as string[], codes };
}
