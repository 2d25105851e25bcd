import { z } from 'zod';
import { fitClassesTogether, fitNumbersTogether, type TreeParams } from './cart/fit.ts';
import { writeTree } from './cart/fitted-tree.ts';
import { errorImportance } from './cart/importance.ts';
import { type Estimator, hyperparameters } from './estimator.ts';
import { describeTree, loadTree } from './stored-tree.ts';
import { checkRows, checkTargets, indexClasses } from './train-rows.ts';

const NAME = 'A decision tree';

/**
 * A decision tree by exact CART, fitted on several threads. Each node gets the best of all cuts between two
 * values of any feature. Among equal cuts the first feature wins, and then the lowest threshold. The order of
 * rows does not matter. One row, one class, or rows whose features are all equal give a single leaf.
 *
 * If no value of a feature occurs twice, the JSON is the same as that of ml-cart's trainer, node for node.
 * Otherwise it differs, because that trainer is not exact:
 * - It looks for cuts between neighbours of different classes, and equal values keep the order of rows. So it
 *   misses cuts beside runs of equal values, tries some inside them, and depends on the order of rows.
 * - It makes a leaf of a node whose best gain is the same float as its parent's. This prevents endless
 *   recursion, and also stops useful splits (in about 1 of 100 random data sets).
 * - Among cuts of equal gain the last digits of its sums decide. Here the order of features decides.
 * - It compares a rounded gain with `min_gain`. Here the gain is computed from whole numbers.
 * - It makes no split when the mean of two values overflows or rounds to the lower value.
 * - In a regression it uses the error that remains after a split as the gain. So it refuses a split without a
 *   remaining error, and compares that error with `min_gain`. Its sums follow the order of rows. If rows ascend
 *   by target, its sums are the same as here.
 */
export const decisionTree: Estimator<TreeParams> = {
  type: 'decision_tree',
  libraries: [],
  params: (task) =>
    hyperparameters('decision_tree', {
      max_depth: z.int().min(1).max(1000).default(5),
      /** A node with fewer rows becomes a leaf. */
      min_samples_split: z.int().min(2).default(2),
      /** A split leaves at least this many rows on each side. */
      min_samples_leaf: z.int().min(1).default(1),
      /** A split must lower the impurity of its node (Gini, or the variance) by more than this. */
      min_gain:
        task === 'regression'
          ? z.number().min(0).default(0)
          : z
              .number()
              .min(0)
              .max(1, 'expected at most 1, as no impurity of classes is greater')
              .default(0),
    }),
  fit: async (matrix, { classes }, params, { helpers, report }) => {
    checkRows(matrix);
    const { columns } = matrix;
    if (classes === undefined) {
      const targets = matrix.targets!;
      checkTargets(targets);
      const tree = await fitNumbersTogether(columns, targets, params, helpers, report);
      const importance = errorImportance(tree.grown, columns.length);
      return {
        describe: () => describeTree(NAME, tree.grown.measure()),
        serialise: () => writeTree(tree, importance),
      };
    }
    const labels = indexClasses(matrix.labels, classes);
    const tree = await fitClassesTogether(columns, labels, classes.length, params, helpers, report);
    return {
      describe: () => describeTree(NAME, tree.grown.measure()),
      serialise: () => writeTree(tree),
    };
  },
  load: (stored, task, what, options) => loadTree(NAME, stored, task, what, options),
};
