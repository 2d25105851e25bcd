import { type ColumnTable, op, table } from 'arquero';

/**
 * Counts rows by what they are and what was predicted, both as indexes from 0. Classes are counted by index too,
 * because arquero joins the keys of several columns without escaping them.
 * @returns a row for each pair that occurs: `actual`, `predicted`, `count`
 */
export function countCells(actual: ArrayLike<number>, predicted: ArrayLike<number>): ColumnTable {
  return table({ actual, predicted }).groupby('actual', 'predicted').count();
}

/** Adds up the counts of cells by one of their sides, for each of `size` indexes. */
export function sumCells(
  cells: ColumnTable,
  side: 'actual' | 'predicted',
  size: number,
): readonly number[] {
  const sums = Array.from({ length: size }, () => 0);
  const grouped = cells.groupby(side).rollup({ rows: op.sum('count') });
  for (const row of grouped.objects() as Record<string, number>[]) sums[row[side]!] = row['rows']!;
  return sums;
}

/** The square matrix of some cells: row i holds the counts of what is `i`, by what was predicted. */
export function fillMatrix(cells: ColumnTable, size: number): number[][] {
  const matrix = Array.from({ length: size }, () => Array.from({ length: size }, () => 0));
  for (const cell of cells.objects() as Record<'actual' | 'predicted' | 'count', number>[])
    matrix[cell.actual]![cell.predicted] = cell.count;
  return matrix;
}
