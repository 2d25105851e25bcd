import { z } from 'zod';
import type { TreeParams } from './cart/fit.ts';
import { type Estimator, hyperparameters } from './estimator.ts';
import { describeTree, loadTree } from './stored-tree.ts';
import { fitRegressionTogether, fitTreeTogether, treeToJson } from './tree.ts';

/** A decision tree by exact CART, which this program fits on several threads. */
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
  fit: async (matrix, { classes }, params, { crew, report }) => {
    const tree =
      classes === undefined
        ? await fitRegressionTogether(matrix, matrix.targets!, params, crew, report)
        : await fitTreeTogether(matrix, classes, params, crew, report);
    return {
      describe: () => describeTree('A decision tree', tree.grown.measure()),
      serialise: () => treeToJson(tree),
    };
  },
  load: (stored, task, what) => loadTree('A decision tree', stored, task, what),
};
