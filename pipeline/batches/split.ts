import { hash } from 'node:crypto';
import type { ColumnTable } from 'arquero';
import type { Cell } from '../csv/cells.ts';

/**
 * The prefix of the text that is hashed. With it, this hash differs from every other SHA-256 of the same cells. It
 * must never change, because it decides the side of every row.
 */
const SPLIT_KEY = 'incremental-retraining/split/1\n';

/** Name of the derived column. No column of a file has this name, because names are trimmed. */
const SIDE = ' side';

/**
 * Hashes cells to a number from 0 to below 1: the first 53 bits of the SHA-256 of a prefix and the JSON of the cells.
 * Different cells have different JSON: words are strings and a missing cell is `null`. Numbers are written as
 * ECMAScript writes them, so `5.10` and `5.1` are equal.
 * @param prefix the purpose; hashes of the same cells for different purposes are independent
 */
export function hashCells(prefix: string, cells: readonly Cell[]): number {
  const digest = hash('sha256', prefix + JSON.stringify(cells), 'buffer');
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/**
 * Hashes a row for the split by {@link hashCells}.
 * @param cells the feature cells of the row, or its cells of `split.key`; never the label
 */
export function hashRow(cells: readonly Cell[]): number {
  return hashCells(SPLIT_KEY, cells);
}

/**
 * Whether a row is a test row. It depends on the row alone: a row keeps its side when more data arrives,
 * equal rows stay together, and a larger `testSize` only moves rows to the test side.
 * @param testSize share of rows to hold out, between 0 and 1
 */
export function isTestRow(cells: readonly Cell[], testSize: number): boolean {
  return hashRow(cells) < testSize;
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
  const cells = key.map((name) => batch.column(name)!);
  const labels = batch.column(label)!;
  const sides: ('train' | 'test' | null)[] = [];
  const rowCells: Cell[] = [];
  // Not `derive`: it would make an object of each row, which takes as long as the hash.
  for (let row = 0; row < batch.numRows(); row++) {
    for (let c = 0; c < cells.length; c++) rowCells[c] = cells[c]!.at(row) as Cell;
    if (labels.at(row) === null) sides.push(null);
    else sides.push(isTestRow(rowCells, testSize) ? 'test' : 'train');
  }
  return takeSides(batch, sides);
}

/**
 * Splits the rows of a batch that have a label by their time: the newest share of them are test rows. Among rows of the same
 * time, the hash of the key's cells decides. Equal rows stay together: if not all of them fit into the share, they are train
 * rows. Rows without a time are train rows. Rows keep their order on each side.
 *
 * The side of a row depends on its batch alone. A larger `testSize` only moves rows to the test side.
 * @param time the time of each row; null where it is not known
 * @param key the columns that decide among rows of the same time
 */
export function splitRowsByTime(
  batch: ColumnTable,
  time: ArrayLike<number | null>,
  { key, label, testSize }: { key: readonly string[]; label: string; testSize: number },
): { train: ColumnTable; test: ColumnTable } {
  const cells = key.map((name) => batch.column(name)!);
  const labels = batch.column(label)!;
  const rows = Array.from({ length: batch.numRows() }, (_, row) => row);
  const labelled = rows.filter((row) => labels.at(row) !== null);
  const timed = labelled
    .flatMap((row) => {
      const at = time[row] ?? null;
      if (at === null) return [];
      return [{ row, at, hash: hashRow(cells.map((column) => column.at(row) as Cell)) }];
    })
    .sort((a, b) => b.at - a.at || b.hash - a.hash);
  let count = Math.min(timed.length, Math.round(testSize * labelled.length));
  const isTie = (i: number): boolean =>
    timed[i]!.at === timed[i - 1]!.at && timed[i]!.hash === timed[i - 1]!.hash;
  while (count > 0 && count < timed.length && isTie(count)) count--;
  const test = new Set(timed.slice(0, count).map(({ row }) => row));
  return takeSides(
    batch,
    rows.map((row) => (labels.at(row) === null ? null : test.has(row) ? 'test' : 'train')),
  );
}

/** @param sides of the rows; null for a row that is on no side */
function takeSides(
  batch: ColumnTable,
  sides: readonly ('train' | 'test' | null)[],
): { train: ColumnTable; test: ColumnTable } {
  const split = batch.assign({ [SIDE]: sides });
  const take = (side: string): ColumnTable =>
    split.filter(`d => d[${JSON.stringify(SIDE)}] === ${JSON.stringify(side)}`).reify();
  return { train: take('train'), test: take('test') };
}
