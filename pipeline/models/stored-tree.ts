import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import { BadData, messageOf } from '../../contract/failures.ts';
import type { Task } from '../../contract/defaults.ts';
import type { FlatTree } from './cart/flat-tree.ts';
import { readTree } from './cart/read-tree.ts';
import { findLeaves, readValues } from './cart/flat-tree.ts';
import { outlineTree } from './cart/outline.ts';
import { addTree } from './cart/tree-graph.ts';
import type {
  Classes,
  Description,
  LoadOptions,
  Model,
  Numbers,
  StoredBytes,
} from './estimator.ts';
import { giniImportance } from './cart/importance.ts';
import type { Matrix } from '../features/matrix.ts';

/**
 * The size of JSON in bytes up to which ml-cart itself loads a tree and predicts. With the text and its parsed
 * form, a tree in ml-cart's objects takes 2.3 times its JSON for numbers, 3.9 for 3 classes, 5 for 100 and 7.6 for
 * 1 000: 20 to 60 MB at this bound, which is 42 000 nodes of few classes (190 bytes each), or 12 000 of 1 000
 * classes. The arrays that this program predicts with take 40 to 80 bytes a node.
 */
const MOST_BYTES = 8_000_000;

/** The number of rows that ml-cart receives at once. */
const ROWS_AT_ONCE = 4096;

/**
 * Reads a tree in ml-cart's JSON.
 * @param name the noun phrase of its description: `A decision tree`
 * @param what names the model in errors
 * @throws BadData when it is not a tree in ml-cart's JSON for the task
 */
export function loadTree(
  name: string,
  stored: StoredBytes,
  task: Task,
  what: string,
  { forUse = false }: LoadOptions = {},
): Model {
  const { name: kind, tree, importance } = parseTree(what, stored, forUse);
  if (kind !== (task === 'classification' ? 'DTClassifier' : 'DTRegression'))
    throw new BadData(`${what} is not a ${task} tree of ml-cart's: train the version again`);
  const isSmall = stored.size <= MOST_BYTES && !forUse;
  let loaded: MlCartModel | undefined;
  const mlCart = (): MlCartModel | undefined =>
    isSmall ? (loaded ??= loadMlCart(stored, task)) : undefined;
  return {
    predictor: isSmall ? 'ml-cart' : 'retrain',
    predict: (rows) =>
      task === 'classification'
        ? predictClasses(tree, rows, mlCart())
        : predictNumbers(tree, rows, mlCart()),
    describe: () => describeTree(name, tree),
    importance: (features) => {
      if (importance !== undefined) return importance;
      // For a regression ml-cart writes the error after a split, and not the error before it.
      return task === 'classification' ? giniImportance(tree, features) : null;
    },
    outline: (encoder, most) => outlineTree(tree, encoder, most),
    addToGraph: (graph, rows, classes) => addTree(graph, tree, rows, classes),
  };
}

/** Describes a tree by its size: `depth` counts splits from the root to the deepest leaf, 0 for a single leaf. */
export function describeTree(
  name: string,
  { depth, leaves }: { depth: number; leaves: number },
): Description {
  const unit = leaves === 1 ? 'leaf' : 'leaves';
  return { text: `${name} of depth ${depth} with ${leaves} ${unit}`, facts: { depth, leaves } };
}

type Rows = Pick<Matrix, 'rows' | 'columns'>;

interface MlCartModel {
  predict: (rows: number[][]) => number[];
}

/** @param mlCart predicts the classes too, if it is given. It gives no probabilities, so this program computes them. */
function predictClasses(tree: FlatTree, rows: Rows, mlCart: MlCartModel | undefined): Classes {
  const leaves = findLeaves(tree, rows.columns, rows.rows);
  const probabilities = readValues(leaves, tree.gains, new Float64Array(rows.rows));
  const classes = readValues(leaves, tree.answers, new Int32Array(rows.rows));
  const { shares } = tree;
  if (shares !== null)
    return { classes, probabilities, shares: Array.from(leaves, (leaf) => shares[leaf]!) };
  if (mlCart === undefined) return { classes, probabilities };
  const byMlCart = predictByMlCart(mlCart, rows, new Int32Array(rows.rows));
  checkAgreement(classes, byMlCart);
  return { classes: byMlCart, probabilities };
}

function predictNumbers(tree: FlatTree, rows: Rows, mlCart: MlCartModel | undefined): Numbers {
  const leaves = findLeaves(tree, rows.columns, rows.rows);
  const numbers = readValues(leaves, tree.answers, new Float64Array(rows.rows));
  if (mlCart === undefined) return { numbers };
  const byMlCart = predictByMlCart(mlCart, rows, new Float64Array(rows.rows));
  checkAgreement(numbers, byMlCart);
  return { numbers: byMlCart };
}

/**
 * Checks that ml-cart reads the stored model as this program does.
 * @throws BadData at the first row with two answers, so that no such version is published
 */
function checkAgreement(ours: Int32Array | Float64Array, byMlCart: typeof ours): void {
  for (let row = 0; row < ours.length; row++) {
    if (ours[row] === byMlCart[row]) continue;
    throw new BadData(
      `for row ${row + 1} ml-cart predicts ${byMlCart[row]} and this program predicts ${ours[row]} with the same model: ` +
        'train the version again; if it fails again, report this as a fault of the program',
    );
  }
}

function predictByMlCart<T extends Int32Array | Float64Array>(
  mlCart: MlCartModel,
  { rows, columns }: Rows,
  into: T,
): T {
  for (let start = 0; start < rows; start += ROWS_AT_ONCE) {
    const length = Math.min(ROWS_AT_ONCE, rows - start);
    const some = Array.from({ length }, (_, i) => columns.map((column) => column[start + i]!));
    into.set(mlCart.predict(some), start);
  }
  return into;
}

function loadMlCart(stored: StoredBytes, task: Task): MlCartModel {
  // A piece is valid until the next one is requested.
  const pieces = Array.from(stored.read(), (piece) => Buffer.from(piece));
  const json: unknown = JSON.parse(Buffer.concat(pieces).toString());
  return task === 'classification'
    ? DecisionTreeClassifier.load(json)
    : DecisionTreeRegression.load(json);
}

function parseTree(
  what: string,
  stored: StoredBytes,
  keepsShares: boolean,
): ReturnType<typeof readTree> {
  try {
    return readTree(stored.read(), keepsShares);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
    throw new BadData(
      `${what} is not a tree of ml-cart's (${messageOf(error)}): train the version again`,
      { cause: error },
    );
  }
}
