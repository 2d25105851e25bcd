import { hash } from 'node:crypto';
import { type ColumnTable, escape } from 'arquero';
import type { Cell } from '../csv/cells.ts';

/**
 * The key of the hash. It keeps this hash apart from every other use of SHA-256 on the same cells. It must
 * never change: it decides the side of every row ever seen.
 */
const SPLIT_KEY = 'incremental-retraining/split/1\n';

/** The derived column. No column of a file has this name, because names are trimmed. */
const SIDE = ' side';

/**
 * The place of a row between 0 (included) and 1: the first 53 bits of the SHA-256 of the key and the
 * cells' JSON. Numbers print as ECMAScript prints them, words are JSON strings and a missing cell is
 * `null`, so no two different rows share an encoding, and `5.10` and `5.1` are one number.
 * @param cells the row's feature cells, or those of `split.key`; never the label
 */
export function splitPoint(cells: readonly Cell[]): number {
  const digest = hash('sha256', SPLIT_KEY + JSON.stringify(cells), 'buffer');
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/**
 * Whether a row is a test row. It depends on the row alone: a row keeps its side when more data arrives,
 * equal rows stay together, and a larger `testSize` only moves rows to the test side.
 * @param testSize share of rows to hold out, between 0 and 1
 */
export function isTestRow(cells: readonly Cell[], testSize: number): boolean {
  return splitPoint(cells) < testSize;
}

/**
 * Splits the rows of a batch that have a label. Rows keep their order on each side.
 * @param key the columns whose equal rows stay on one side
 */
export function splitRows(
  batch: ColumnTable,
  key: readonly string[],
  label: string,
  testSize: number,
): { train: ColumnTable; test: ColumnTable } {
  const sideOf = (row: Record<string, Cell>): string | null => {
    if (row[label] === null) return null;
    return isTestRow(
      key.map((name) => row[name]!),
      testSize,
    )
      ? 'test'
      : 'train';
  };
  const sides = batch.select(...key, label).derive({ [SIDE]: escape(sideOf) });
  const split = batch.assign(sides.select(SIDE));
  const take = (side: string): ColumnTable =>
    split.filter(`d => d[${JSON.stringify(SIDE)}] === ${JSON.stringify(side)}`).reify();
  return { train: take('train'), test: take('test') };
}
