import { walkTree } from './cart/walk.ts';
import type { Matrix } from '../features/matrix.ts';
import type { TreeModel } from './tree.ts';

/**
 * Predicts the class index of every row, as ml-cart's own `predict` does: left where the feature is less
 * than the threshold, and at a leaf the likeliest class, the first among equals.
 * @param matrix rows encoded by the encoder the tree was fitted with
 */
export function predictTree(
  model: TreeModel,
  matrix: Pick<Matrix, 'rows' | 'columns'>,
): Int32Array {
  const predicted = new Int32Array(matrix.rows);
  walkTree(model.flat, matrix.columns, predicted);
  return predicted;
}

/** Predicts the number of every row, as ml-cart's own `predict` does: the mean of its leaf. */
export function predictRegression(
  model: TreeModel,
  matrix: Pick<Matrix, 'rows' | 'columns'>,
): Float64Array {
  const predicted = new Float64Array(matrix.rows);
  walkTree(model.flat, matrix.columns, predicted);
  return predicted;
}

/** The predicted class of every row, in words. */
export function predictLabels(
  model: TreeModel,
  matrix: Matrix,
  classes: readonly string[],
): string[] {
  return Array.from(predictTree(model, matrix), (index) => classes[index]!);
}

/** The size of a tree: `depth` counts splits from the root to the deepest leaf, 0 for a single leaf. */
export function describeTree({ flat }: TreeModel): {
  depth: number;
  leaves: number;
  nodes: number;
} {
  const { depth, leaves, nodes } = flat;
  return { depth, leaves, nodes };
}
