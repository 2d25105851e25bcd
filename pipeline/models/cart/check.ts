import { BadData } from '../../../contract/failures.ts';
import { quote } from '../../csv/table.ts';

/** Past this, the square of a number or a sum of squares may be infinite. */
const LARGEST_TARGET = 1e150;

/**
 * Refuses features that cannot be compared.
 * @throws BadData naming the first row (from 1) and column, when there is no column or a value that is not finite
 */
export function checkFeatures(names: readonly string[], columns: readonly Float64Array[]): void {
  if (columns.length === 0) {
    throw new BadData(
      'there are no feature columns to fit a tree on: the data needs at least one column besides the target',
    );
  }
  columns.forEach((column, c) => {
    const row = firstWhere(column, (value) => !Number.isFinite(value));
    if (row >= 0) {
      throw new BadData(
        `train row ${row + 1} has ${column[row]!} in column ${quote(names[c]!)}, where a tree needs ` +
          'finite numbers: mend the source, or list the cell among data.missing_values',
      );
    }
  });
}

/**
 * Refuses numbers that have no mean or no squared error.
 * @param side the rows' side of the split, for the message
 * @throws BadData naming the first row, from 1
 */
export function checkTargets(targets: Float64Array, side: 'train' | 'test' = 'train'): void {
  const row = firstWhere(targets, (target) => !(Math.abs(target) <= LARGEST_TARGET));
  if (row >= 0) {
    throw new BadData(
      `${side} row ${row + 1} has the target ${targets[row]!}, where a regression tree needs finite numbers ` +
        `up to ${LARGEST_TARGET}: mend the source, or scale the target`,
    );
  }
}

/** As `findIndex`, which is ten times slower on typed arrays. */
function firstWhere(values: Float64Array, is: (value: number) => boolean): number {
  for (let i = 0; i < values.length; i++) if (is(values[i]!)) return i;
  return -1;
}
