import { type Estimator, hyperparameters } from './estimator.ts';
import { toJsonBytes } from '../json.ts';
import { loadTree } from './stored-tree.ts';
import { checkRows, checkTargets, indexClasses } from './train-rows.ts';

/**
 * The score to beat: always the most frequent class of the train rows, the first in code-point order among
 * equals, with the shares of the classes as probabilities; or their mean. It is stored as a tree of ml-cart's
 * with a single leaf, so every program that reads a tree reads it.
 */
export const baseline: Estimator<object> = {
  type: 'baseline',
  libraries: [],
  params: () => hyperparameters('baseline', {}),
  fit: async (matrix, { classes }) => {
    checkRows(matrix);
    const leaf =
      classes === undefined
        ? { name: 'DTRegression', kind: 'regression', distribution: meanOf(matrix.targets!) }
        : {
            name: 'DTClassifier',
            kind: 'classifier',
            distribution: [sharesOf(indexClasses(matrix.labels, classes), classes.length)],
          };
    const { name, kind, distribution } = leaf;
    const bytes = toJsonBytes({ name, options: { kind }, root: { distribution, kind } });
    return { describe: () => DESCRIPTION, serialise: () => [bytes] };
  },
  load: (stored, task, what) => {
    const tree = loadTree('', stored, task, what);
    return {
      predictor: tree.predictor,
      predict: (rows) => tree.predict(rows),
      describe: () => DESCRIPTION,
      importance: () => null,
    };
  },
};

const DESCRIPTION = { text: 'A baseline that predicts the same for every row', facts: {} };

function sharesOf(labels: ArrayLike<number>, classes: number): number[] {
  const counts = Array.from({ length: classes }, () => 0);
  for (let row = 0; row < labels.length; row++) counts[labels[row]!]!++;
  return counts.map((count) => count / labels.length);
}

/** A sum of floats depends on their order, so they are added in ascending order. */
function meanOf(targets: Float64Array): number {
  checkTargets(targets);
  let sum = 0;
  for (const target of targets.toSorted()) sum += target;
  return sum / targets.length;
}
