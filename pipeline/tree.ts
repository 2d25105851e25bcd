import { DecisionTreeClassifier } from 'ml-cart';
import { BadData } from '../errors.ts';
import { parseJson, toJsonBytes } from './json.ts';
import { canonicalOrder, type Matrix } from './matrix.ts';
import { list, quote } from './table.ts';

/**
 * A node as ml-cart writes it. An inner node has `left` (rows whose feature number `splitColumn` is less
 * than `splitValue`) and `right`; a leaf has `distribution`, one row with the share of each class up to
 * the last that occurs. A leaf may carry the split that was tried in vain, and a gain of null.
 */
export interface TreeNode {
  readonly distribution?: readonly (readonly number[])[];
  readonly splitColumn?: number;
  readonly splitValue?: number | null;
  readonly gain?: number | null;
  readonly numberSamples?: number;
  readonly left?: TreeNode;
  readonly right?: TreeNode;
}

/** A tree in ml-cart's JSON: `DecisionTreeClassifier.load` takes it as it is. */
export interface TreeModel {
  readonly name: 'DTClassifier';
  readonly options: Readonly<Record<string, unknown>>;
  readonly root: TreeNode;
}

/** The knobs of `params.model`. */
export interface TreeParams {
  readonly max_depth: number;
  /** A node with fewer rows becomes a leaf. */
  readonly min_samples_split: number;
  /** A split must lower the Gini impurity by more than this. */
  readonly min_gain: number;
}

/**
 * Fits a classification tree. The order of rows does not matter: they are sorted first.
 * @param classes the encoder's; a class is known to the tree by its index here
 * @throws BadData when there are no rows, or a label is not among the classes
 */
export function fitTree(matrix: Matrix, classes: readonly string[], params: TreeParams): TreeModel {
  if (matrix.rows === 0) {
    throw new BadData(
      'there are no train rows to fit a tree on: add data or lower split.test_size',
    );
  }
  const sorted = canonicalOrder(matrix);
  const tree = new DecisionTreeClassifier({
    gainFunction: 'gini',
    splitFunction: 'mean',
    // ml-cart stops at this many rows or fewer, we at fewer than min_samples_split.
    minNumSamples: params.min_samples_split - 1,
    maxDepth: params.max_depth,
    gainThreshold: params.min_gain,
  });
  tree.train(rowsOf(sorted), classIndexes(sorted.labels, classes));
  // Through JSON once, so that what is returned is what will be read back: plain arrays, and null for
  // the gain of minus infinity that a node of one class ends up with.
  return JSON.parse(JSON.stringify(tree)) as TreeModel;
}

/** Canonical bytes of a tree. */
export function treeToJson(model: TreeModel): Uint8Array {
  return toJsonBytes(model);
}

/**
 * Reads what {@link treeToJson} wrote.
 * @param what names the model in errors
 * @throws BadData when the bytes are no tree of ml-cart's
 */
export function treeFromJson(bytes: Uint8Array, what = 'the model'): TreeModel {
  const model = parseJson(bytes, what) as Partial<TreeModel> | null;
  if (model?.name !== 'DTClassifier' || !model.root) {
    throw new BadData(`${what} is not a classification tree of ml-cart's: train the version again`);
  }
  return model as TreeModel;
}

function rowsOf({ rows, columns }: Matrix): number[][] {
  return Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
}

function classIndexes(labels: readonly string[], classes: readonly string[]): number[] {
  const indexOf = new Map(classes.map((label, index) => [label, index]));
  return labels.map((label) => {
    const index = indexOf.get(label);
    if (index === undefined) {
      throw new BadData(
        `label ${quote(label)} is not among the encoder's classes ${list(classes)}: ` +
          'use the encoder fitted on these rows',
      );
    }
    return index;
  });
}
