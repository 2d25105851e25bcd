import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { table } from 'arquero';
import { formatRow } from '../../pipeline/csv/write.ts';
import { readCell, CsvReader } from '../../pipeline/csv/reader.ts';
import {
  type EncodedBatch,
  encodeBatch,
  type EncodeOptions,
} from '../../pipeline/features/encode.ts';
import type { Matrix } from '../../pipeline/features/matrix.ts';
import type { Part } from '../../pipeline/features/part.ts';
import { findTrained, hashParts, type TestRowsCheck } from '../../pipeline/scoring/leakage.ts';
import type { Cell } from '../../pipeline/csv/cells.ts';
import type { Column } from '../../pipeline/batches/columns.ts';

/** A table as text: every cell as it is written, every row as long as the header. */
export interface RawTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const CELLS = { missing: ['', 'NA', '?'] };

export const irisColumns: Column[] = [
  { name: 'sepal_length', type: 'number' },
  { name: 'sepal_width', type: 'number' },
  { name: 'petal_length', type: 'number' },
  { name: 'petal_width', type: 'number' },
  { name: 'species', type: 'category' },
];

export function irisBytes(): Uint8Array {
  return readFileSync(new URL('../../sources/datasets/iris.csv', import.meta.url));
}

export function iris(): RawTable {
  return parseCsv(irisBytes(), 'iris.csv');
}

/** Reads a whole table as text with the reader. */
export function parseCsv(bytes: Uint8Array, file: string, delimiter = ','): RawTable {
  const reader = new CsvReader([bytes], file, { delimiter });
  const { header, width } = reader;
  const rows: string[][] = [];
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++)
      rows.push(header.map((_, column) => readCell(block, row * width + column)));
  }
  return { header, rows };
}

/** The canonical CSV of a table, as UTF-8. */
export function formatCsv(raw: RawTable): Uint8Array {
  const lines = [raw.header, ...raw.rows].map(formatRow);
  return Buffer.from(`${lines.join('\n')}\n`, 'utf8');
}

/** A table from CSV text. */
export function csv(text: string, file = 'data.csv'): RawTable {
  return parseCsv(new TextEncoder().encode(text), file);
}

/** Encodes with settings that suit most tests. */
export function encode(
  raw: RawTable,
  columns: readonly Column[],
  options: Partial<EncodeOptions> = {},
): EncodedBatch {
  const defaults = { target: 'y', cells: CELLS, testSize: 0.3, key: null };
  const reader = new CsvReader([formatCsv(raw)], 'batch 1');
  return encodeBatch(reader, columns, { ...defaults, ...options });
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export const mixedColumns: Column[] = [
  { name: 'id', type: 'ignore' },
  { name: 'n', type: 'number' },
  { name: 'm', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
];

const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('', ' 1.50 ', 'NA'),
);
const word = fc.constantFrom('a', 'b', ' b', 'é', '😀', '\uffff', '?', '__proto__');
const label = fc.constantFrom('p', 'q', 'r', '');

/** Rows of {@link mixedColumns}: repeats, missing cells, awkward words and missing labels are common. */
export const mixedRows: fc.Arbitrary<string[][]> = fc.array(
  fc.tuple(fc.nat(9).map(String), number, number, word, label),
  { minLength: 1, maxLength: 60 },
);

export function mixed(rows: readonly string[][]): RawTable {
  return { header: mixedColumns.map(({ name }) => name), rows };
}

/** A batch of a raw table, as arquero takes its rows. */
export function cutRows(raw: RawTable, order: Uint32Array, batch: number, size: number): RawTable {
  const columns = raw.header.map((_, i): [string, string[]] => [
    String(i),
    raw.rows.map((cells) => cells[i]!),
  ]);
  const places = [...order.subarray((batch - 1) * size, batch * size)];
  const taken = table(columns).reify(places);
  const cells = columns.map(([name]) => taken.array(name) as string[]);
  return { header: raw.header, rows: places.map((_, row) => cells.map((column) => column[row]!)) };
}

/** The cells of a part by column, the label's last; null where one is missing. */
export function cellsOf(part: Part): Record<string, Cell[]> {
  const names = [...part.features, part.label].map(({ name }) => name);
  return Object.fromEntries(
    names.map((name) => [name, Array.from(part.table.array(name)) as Cell[]]),
  );
}

/** The given rows of a matrix, in the given order. */
export function takeRows(matrix: Matrix, rows: ArrayLike<number>): Matrix {
  const { labels, targets } = matrix;
  return {
    ...matrix,
    rows: rows.length,
    columns: matrix.columns.map((column) => Float64Array.from(rows, (row) => column[row]!)),
    labels: targets === undefined ? Array.from(rows, (row) => labels[row]!) : [],
    targets: targets && Float64Array.from(rows, (row) => targets[row]!),
  };
}

/** Compares test parts with train parts, as evaluate does. */
export function checkTestRows(
  test: Uint8Array[],
  train: Uint8Array[],
  encoder: Uint8Array,
): TestRowsCheck {
  const { hashes, derived } = hashParts({ parts: test, encoders: [encoder] });
  return findTrained({ rows: hashes, parts: train, derived });
}
