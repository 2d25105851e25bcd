import { BadParams, MissingHistory } from '../../contract/failures.ts';

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

function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
