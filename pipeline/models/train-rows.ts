import { BadData } from '../../contract/failures.ts';
import type { Matrix } from '../features/matrix.ts';
import { quoteList, quote } from '../csv/quote.ts';

/** The class of each row as an index. One byte each, if there are at most 256 classes. */
export type ClassIndexes = Uint8Array | Int32Array;

/** Above this, the square of a number or a sum of squares may be infinite. */
const LARGEST_TARGET = 1e150;

/**
 * Refuses rows that no model can be fitted on.
 * @throws BadData when there are no rows or columns; or naming the first row (from 1) and column of a value
 * that is not finite
 */
export function checkRows({
  rows,
  names,
  columns,
}: Pick<Matrix, 'rows' | 'names' | 'columns'>): void {
  if (rows === 0)
    throw new BadData(
      'there are no train rows to fit a model on: add data or lower split.test_size',
    );
  if (columns.length === 0)
    throw new BadData(
      'there are no feature columns to fit a model on: the data needs at least one column besides the target',
    );
  columns.forEach((column, c) => {
    const row = findRow(column, (value) => !Number.isFinite(value));
    if (row >= 0)
      throw new BadData(
        `train row ${row + 1} has ${column[row]!} in column ${quote(names[c]!)}, and a model needs finite ` +
          'numbers: repair the source, or add the cell to data.missing_values',
      );
  });
}

/**
 * Refuses numbers that have no mean or no squared error.
 * @param side the side of the split, for the message
 * @throws BadData naming the first row, from 1
 */
export function checkTargets(targets: Float64Array, side: 'train' | 'test' = 'train'): void {
  const row = findRow(targets, (target) => !(Math.abs(target) <= LARGEST_TARGET));
  if (row >= 0)
    throw new BadData(
      `${side} row ${row + 1} has the target ${targets[row]!}, and a regression needs finite numbers up to ` +
        `${LARGEST_TARGET}: repair the source, or scale the target`,
    );
}

/**
 * Returns the class of each row, as an index of the encoder's classes.
 * @throws BadData when a label is not among them
 */
export function indexClasses(labels: readonly string[], classes: readonly string[]): ClassIndexes {
  const indexOf = new Map(classes.map((label, index) => [label, index]));
  const indexes =
    classes.length <= 256 ? new Uint8Array(labels.length) : new Int32Array(labels.length);
  labels.forEach((label, row) => {
    const index = indexOf.get(label);
    if (index === undefined)
      throw new BadData(
        `label ${quote(label)} is not among the encoder's classes ${quoteList(classes)}: ` +
          'use the encoder fitted on these rows',
      );
    indexes[row] = index;
  });
  return indexes;
}

/** Like `findIndex`, which is ten times slower on typed arrays. */
function findRow(values: Float64Array, matches: (value: number) => boolean): number {
  for (let i = 0; i < values.length; i++) if (matches(values[i]!)) return i;
  return -1;
}
