import { z } from 'zod';
import { fitClassesTogether, fitNumbersTogether, type TreeParams } from './cart/fit.ts';
import { writeTree } from './cart/fitted-tree.ts';
import { errorImportance } from './cart/importance.ts';
import { type Estimator, hyperparameters } from './estimator.ts';
import { describeTree, loadTree } from './stored-tree.ts';
import { checkRows, checkTargets, indexClasses } from './train-rows.ts';

const NAME = 'A decision tree';

/**
 * A decision tree by exact CART, fitted on several threads: each node has the best of all cuts between two
 * values of any feature, the first feature and then the lowest threshold among equals. The order of rows does
 * not matter. One row, one class, or rows whose features are all equal give a single leaf.
 *
 * The JSON is the one that ml-cart's trainer writes, node for node, where no value of a feature occurs twice.
 * It differs where that trainer falls short of CART:
 * - it looks for cuts between neighbours of different class in an order that leaves equal values as they
 *   came: so it misses cuts beside runs of equal values, tries some within them, and depends on the order of
 *   rows;
 * - it makes a leaf of a node whose best gain is the same float as its parent's, a guard against endless
 *   recursion that also stops splits which help (in about 1 of 100 random data sets);
 * - among cuts of equal gain the last digits of its sums decide, here the order of features does;
 * - it compares with `min_gain` a gain whose last digits are rounding, here one from whole numbers;
 * - a mean of two values that overflows, or rounds to the lower one, leaves it without a split;
 * - of numbers it takes the error that a split leaves for a gain: so it refuses a split that leaves none, and
 *   compares that error with `min_gain`. Its sums follow the order of rows: ascending by target they are ours.
 */
export const decisionTree: Estimator<TreeParams> = {
  type: 'decision_tree',
  libraries: [],
  params: (task) =>
    hyperparameters('decision_tree', {
      max_depth: z.int().min(1).max(1000).default(5),
      /** A node with fewer rows becomes a leaf. */
      min_samples_split: z.int().min(2).default(2),
      /** A split leaves at least this many rows on either side. */
      min_samples_leaf: z.int().min(1).default(1),
      /** A split must lower the impurity of its node by more than this: Gini's, or the variance of numbers. */
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
  load: (stored, task, what) => loadTree(NAME, stored, task, what),
};
