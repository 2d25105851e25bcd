import { type ColumnTable, table } from 'arquero';
import { BadParams, MissingHistory } from '../errors.ts';
import type { RawTable } from './table.ts';

/** How many batches a source of `rows` rows makes; the last one may be short. */
export function batchCount(rows: number, batchSize: number): number {
  return Math.ceil(rows / batchSize);
}

/**
 * Checks that a source of `rows` rows has this batch.
 * @throws BadParams when `batch` is not a whole number from 1
 * @throws MissingHistory when the source ends before that batch
 */
export function checkBatch(batch: number, rows: number, batchSize: number): void {
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new BadParams(
      `batch ${batch} is not a batch number: give a whole number, the first batch being 1`,
    );
  }
  const count = batchCount(rows, batchSize);
  if (batch > count) {
    throw new MissingHistory(
      `batch ${batch} does not exist: the source has ${plural(rows, 'row')}, which make ` +
        `${plural(count, 'batch', 'batches')} of ${batchSize}`,
      { details: { batch, rows, batches: count } },
    );
  }
}

/** A raw table as arquero's, every column text: what its verbs cut and count. */
export function toColumns(raw: RawTable): ColumnTable {
  return table(
    raw.header.map((name, index) => [name, raw.rows.map((cells) => cells[index]!)]),
    [...raw.header],
  );
}

/** An arquero table of text as rows again. */
export function toRows(columns: ColumnTable): RawTable {
  const header = columns.columnNames();
  const cells = header.map((name) => columns.array(name) as string[]);
  const rows = Array.from({ length: columns.numRows() }, (_, row) =>
    cells.map((column) => column[row]!),
  );
  return { header, rows };
}

/**
 * The rows of one batch: places (batch - 1) * batchSize up to batch * batchSize of the order.
 * @param order a permutation of the table's row indexes
 * @param batch number of the batch, from 1
 * @throws BadParams when `batch` is not a whole number from 1
 * @throws MissingHistory when the source ends before that batch
 */
export function cutBatch(
  columns: ColumnTable,
  order: Uint32Array,
  batch: number,
  batchSize: number,
): ColumnTable {
  checkBatch(batch, order.length, batchSize);
  const places = order.subarray((batch - 1) * batchSize, batch * batchSize);
  return columns.reify([...places]);
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
