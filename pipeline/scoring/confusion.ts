import { type ColumnTable, op, table } from 'arquero';

/**
 * Counts rows by their actual and predicted index, from 0. Classes are counted by index and not by name, because
 * arquero joins the keys of several columns without escaping them.
 * @returns one row for each pair that occurs: `actual`, `predicted`, `count`
 */
export function countCells(actual: ArrayLike<number>, predicted: ArrayLike<number>): ColumnTable {
  return table({ actual, predicted }).groupby('actual', 'predicted').count();
}

/** Sums the counts of cells by their actual or predicted index, for each of `size` indexes. */
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

/** Makes a square matrix from cells. Row i counts the rows whose actual index is i, by predicted index. */
export function fillMatrix(cells: ColumnTable, size: number): number[][] {
  const matrix = Array.from({ length: size }, () => Array.from({ length: size }, () => 0));
  for (const cell of cells.objects() as Record<'actual' | 'predicted' | 'count', number>[])
    matrix[cell.actual]![cell.predicted] = cell.count;
  return matrix;
}
