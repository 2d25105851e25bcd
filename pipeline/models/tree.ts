import type { Crew } from './cart/together.ts';
import {
  fitClasses,
  fitClassesTogether,
  fitNumbers,
  fitNumbersTogether,
  type TreeParams,
} from './cart/fit.ts';
import type { FittedTree } from './cart/fitted-tree.ts';
import { treePieces } from './cart/fitted-tree.ts';
import { errorImportance } from './cart/importance.ts';
import type { Matrix } from '../features/matrix.ts';
import type { Report } from '../progress.ts';
import { checkRows, checkTargets, indexClasses } from './train-rows.ts';

export type { TreeParams } from './cart/fit.ts';

/**
 * Fits a classification tree: exact CART, the cut of every node being the best of all cuts between two
 * values of any feature, the first feature and then the lowest threshold among equals. The order of rows
 * does not matter. One row, one class, or rows whose features are all equal give a single leaf; more
 * classes than rows are fine.
 *
 * The JSON is the one ml-cart itself would write, node for node, where no value of a feature occurs twice.
 * Ours differs where ml-cart's trainer falls short of CART:
 * - it looks for cuts between neighbours of different class in an order that leaves equal values as they
 *   came, so it misses cuts beside runs of equal values, tries some within them, and its tree depends on
 *   the order of rows;
 * - it makes a leaf of a node whose best gain happens to be the same float as its parent's, a guard
 *   against recursion without end that also stops splits which do help (in about 1 of 100 random data
 *   sets); a node here has always fewer rows than its parent, so no guard is needed;
 * - among cuts of equal gain the last digits of its sums decide, here the order of features does;
 * - it compares with `min_gain` a gain whose last digits are rounding, here one from whole numbers;
 * - a mean of two values that overflows, or rounds to the lower one, leaves it without a split.
 * @param classes the encoder's; a class is known to the tree by its index here
 * @throws BadData when there are no rows or columns, a feature is not finite, or a label is not among the classes
 */
export function fitTree(
  matrix: Matrix,
  classes: readonly string[],
  params: TreeParams,
  report?: Report,
): FittedTree<'DTClassifier'> {
  checkRows(matrix);
  const labels = indexClasses(matrix.labels, classes);
  return fitClasses(matrix.columns, labels, classes.length, params, report);
}

/** As {@link fitTree}, with the help of other threads where it pays; the tree is the same. */
export async function fitTreeTogether(
  matrix: Matrix,
  classes: readonly string[],
  params: TreeParams,
  crew: Crew | undefined,
  report?: Report,
): Promise<FittedTree<'DTClassifier'>> {
  checkRows(matrix);
  const labels = indexClasses(matrix.labels, classes);
  return fitClassesTogether(matrix.columns, labels, classes.length, params, crew, report);
}

/**
 * Fits a regression tree: exact CART as {@link fitTree}, by squared error. `min_gain` is the least drop of
 * the variance of a node.
 *
 * The JSON is ml-cart's own, node for node, when ml-cart is given the rows in ascending order of target
 * (its sums, and so the last digits it writes, follow the order of rows) and no value occurs twice. Ours
 * differs where ml-cart's trainer falls short of CART: it takes the error a split leaves for a gain, so
 * that it refuses a split that leaves none, and compares that error with `min_gain`.
 * @param targets the number to predict for each row
 * @throws BadData when there are no rows or columns, or a feature or target is not finite
 */
export function fitRegression(
  matrix: Pick<Matrix, 'rows' | 'names' | 'columns'>,
  targets: Float64Array,
  params: TreeParams,
): FittedTree<'DTRegression'> {
  checkRows(matrix);
  checkTargets(targets);
  return fitNumbers(matrix.columns, targets, params);
}

/**
 * As {@link fitRegression}, with the help of other threads where it pays; the tree is the same. It says what
 * its features are worth, which ml-cart's JSON of a regression does not.
 */
export async function fitRegressionTogether(
  matrix: Pick<Matrix, 'rows' | 'names' | 'columns'>,
  targets: Float64Array,
  params: TreeParams,
  crew: Crew | undefined,
  report?: Report,
): Promise<FittedTree<'DTRegression'>> {
  checkRows(matrix);
  checkTargets(targets);
  const tree = await fitNumbersTogether(matrix.columns, targets, params, crew, report);
  return tree.withImportance(errorImportance(tree.grown, matrix.columns.length));
}

/**
 * A tree in ml-cart's JSON, canonical, piece by piece: it may be more than memory should hold.
 * @returns UTF-8
 */
export function treeToJson(model: FittedTree): Iterable<Uint8Array> {
  return treePieces(model);
}
