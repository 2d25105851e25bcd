import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import { z } from 'zod';
import { BadData } from '../../contract/failures.ts';
import { type Estimator, hyperparameters } from './estimator.ts';
import { toJsonBytes } from '../json.ts';
import { taskOfEncoder } from '../features/encoder.ts';
import type { Matrix } from '../features/matrix.ts';
import { loadTree } from './stored-tree.ts';
import { checkRows, checkTargets, indexClasses } from './train-rows.ts';

/**
 * The work of a fit that takes about a minute. For each pair of rows and each column ml-cart takes 12 to 15
 * ns for numbers, 36 for 3 classes, 86 for 20 and 190 for 100: about rows² × columns × (10 + classes) × 2.8
 * ns at most, at every depth (Node 20, one core, 1 000 to 4 000 rows of 4 and 20 columns).
 */
const MOST_WORK = 2e10;

/**
 * A decision tree that ml-cart itself trains. It is for small data, because its time grows with the square of the
 * rows. If a value occurs more than once, it may miss the best split. It keeps a leaf if the first split of the
 * node leaves no error, or if the node gains as much as its parent.
 */
export const mlCart: Estimator<{ max_depth: number; min_samples_split: number; min_gain: number }> =
  {
    type: 'ml_cart',
    libraries: ['ml-cart'],
    params: (task) =>
      hyperparameters('ml_cart', {
        max_depth: z.int().min(1).max(1000).default(5),
        /** A node with fewer rows becomes a leaf. */
        min_samples_split: z.int().min(2).default(2),
        /** A split must lower the Gini impurity of its node by more than this. */
        min_gain:
          task === 'regression'
            ? z
                .literal(0, 'expected 0, as ml-cart measures no gain where it predicts numbers')
                .default(0)
            : z.number().min(0).max(1).default(0),
      }),
    fit: async (matrix, { classes }, params) => {
      checkRows(matrix);
      refuseLarge(matrix, classes?.length ?? 0);
      const options = {
        // ml-cart makes a leaf of this many rows or fewer. Here a leaf has fewer than min_samples_split.
        minNumSamples: params.min_samples_split - 1,
        maxDepth: params.max_depth,
      };
      let model: { toJSON: () => unknown };
      if (classes === undefined) {
        const targets = matrix.targets!;
        checkTargets(targets);
        const order = sortRows(targets);
        // ml-cart compares the remaining error of a split with the threshold. At 0 it refuses a perfect split.
        const trainer = new DecisionTreeRegression({ ...options, gainThreshold: -1 });
        trainer.train(
          takeRows(matrix, order),
          Array.from(order, (row) => targets[row]!),
        );
        model = trainer;
      } else {
        const labels = indexClasses(matrix.labels, classes);
        const order = sortRows(labels);
        const trainer = new DecisionTreeClassifier({ ...options, gainThreshold: params.min_gain });
        trainer.train(
          takeRows(matrix, order),
          Array.from(order, (row) => labels[row]!),
        );
        model = trainer;
      }
      const bytes = toJsonBytes(JSON.parse(JSON.stringify(model)));
      const task = taskOfEncoder({ classes });
      const stored = { size: bytes.length, read: () => [bytes] };
      return {
        describe: () => loadTree(NAME, stored, task, 'the model').describe(),
        serialise: () => [bytes],
      };
    },
    load: (stored, task, what, options) => loadTree(NAME, stored, task, what, options),
  };

const NAME = 'A decision tree by ml-cart';

function refuseLarge({ rows, columns }: Matrix, classes: number): void {
  if (rows * rows * columns.length * (10 + classes) <= MOST_WORK) return;
  const of = classes === 0 ? '' : ` and ${classes} classes`;
  throw new BadData(
    `ml-cart would take more than a minute to train on ${rows} rows of ${columns.length} columns${of}, and its ` +
      'time grows with the square of the rows: set model.type to decision_tree, which fits such a tree in seconds',
  );
}

/**
 * Sorts the rows by target, because ml-cart's tree depends on the order of rows. It compares a feature only with the
 * target, and keeps the order of equal values. So rows of one target are interchangeable.
 */
function sortRows(targets: ArrayLike<number>): Int32Array {
  return Int32Array.from({ length: targets.length }, (_, row) => row).sort(
    (a, b) => targets[a]! - targets[b]!,
  );
}

function takeRows({ columns }: Matrix, order: Int32Array): number[][] {
  return Array.from(order, (row) => columns.map((column) => column[row]!));
}
