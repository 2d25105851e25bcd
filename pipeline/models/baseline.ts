import { type Estimator, hyperparameters } from './estimator.ts';
import { toJsonBytes } from '../json.ts';
import { loadTree } from './stored-tree.ts';
import { checkRows, checkTargets, indexClasses } from './train-rows.ts';

/**
 * A model that other models should beat. It always predicts the most frequent class of the train rows, with the
 * shares of the classes as probabilities; among equals the first class in code-point order wins. In a regression
 * it predicts the mean. It is stored as a tree in ml-cart's JSON with a single leaf, so that every reader of trees
 * reads it.
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
  load: (stored, task, what, options) => {
    const tree = loadTree('', stored, task, what, options);
    return {
      predictor: tree.predictor,
      predict: (rows) => tree.predict(rows),
      describe: () => DESCRIPTION,
      importance: () => null,
      outline: () => null,
      addToGraph: (graph, rows, classes) => tree.addToGraph(graph, rows, classes),
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
