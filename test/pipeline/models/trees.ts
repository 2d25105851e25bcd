import { fitClasses, fitNumbers, type TreeParams } from '../../../pipeline/models/cart/fit.ts';
import { type FittedTree, writeTree } from '../../../pipeline/models/cart/fitted-tree.ts';
import type { Model, Prediction } from '../../../pipeline/models/estimator.ts';
import { loadTree } from '../../../pipeline/models/stored-tree.ts';
import { indexClasses } from '../../../pipeline/models/train-rows.ts';
import type { Matrix } from '../../../pipeline/features/matrix.ts';

/** Uniform numbers from 0 to 1 that a seed determines: the generator known as mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** How a target arises from a feature and noise. Some are hostile to sums of floats. */
export const numbersFrom: Record<string, (x: number, noise: number, row: number) => number> = {
  smooth: (x, noise) => x * 3 + noise,
  few: (x) => (Math.abs(Math.floor(x)) % 3) * 0.1,
  noise: (_, noise) => (noise < 0.5 ? 0.1 : 0.3),
  magnitudes: (_, noise, row) => (noise - 0.5) * 10 ** (row % 15),
  shifted: (_, noise) => 1e9 + Math.round(noise * 100) / 100,
  outliers: (_, noise, row) => (row % 900 === 0 ? 1e12 : noise),
};

/**
 * A feature and a target of numbers. Of its 259 cuts, the first 256 are equally good. The next two are each better by
 * less than the rounding of sums, and the last one is worse.
 * @param times the number of rows of each value
 */
export function nearlyTied(times: number): { values: Float64Array; targets: Float64Array } {
  const values = 260;
  const scores = [...upTo(257).map(() => 1), 1 + 0.9e-9, 1 + 1.8e-9, 0.5, 1];
  // The score of a cut is its squared sum of targets, divided by the product of its numbers of rows.
  const sums = scores.map((score, left) => Math.sqrt(score * left * (values - left)));
  return {
    values: Float64Array.from(upTo(values * times), (row) => Math.floor(row / times)),
    targets: Float64Array.from(upTo(values * times), (row) => {
      const value = Math.floor(row / times);
      return sums[value + 1]! - sums[value]!;
    }),
  };
}

/** A node in ml-cart's JSON. */
export interface TreeNode {
  readonly distribution?: number | readonly (readonly number[])[];
  readonly splitColumn?: number;
  readonly splitValue?: number | null;
  readonly gain?: number | null;
  readonly numberSamples?: number;
  readonly left?: TreeNode;
  readonly right?: TreeNode;
}

/** Fits a classification tree on the calling thread. */
export function fitTree(
  { columns, labels }: Pick<Matrix, 'columns' | 'labels'>,
  classes: readonly string[],
  params: TreeParams,
): FittedTree<'DTClassifier'> {
  return fitClasses(columns, indexClasses(labels, classes), classes.length, params);
}

/** Fits a regression tree on the calling thread. */
export function fitRegression(
  { columns }: Pick<Matrix, 'columns'>,
  targets: Float64Array,
  params: TreeParams,
): FittedTree<'DTRegression'> {
  return fitNumbers(columns, targets, params);
}

/** All of a tree's JSON. */
export function jsonOf(tree: FittedTree): Buffer {
  return Buffer.concat([...writeTree(tree)]);
}

/** A tree as ml-cart gets it. */
export function parsedTree(tree: FittedTree): { root: TreeNode } {
  return JSON.parse(jsonOf(tree).toString()) as { root: TreeNode };
}

/**
 * A tree, stored and loaded.
 * @param size of its bytes; from infinity on ml-cart does not predict
 */
export function modelOf(tree: FittedTree, size = Infinity): Model {
  const task = tree.name === 'DTClassifier' ? 'classification' : 'regression';
  return loadTree('A decision tree', { size, read: () => [jsonOf(tree)] }, task, 'the model');
}

type Rows = Pick<Matrix, 'rows' | 'columns'>;

/** Predicted class indexes. */
export function predictTree(tree: FittedTree, rows: Rows): Int32Array {
  return (modelOf(tree).predict(rows) as Extract<Prediction, { classes: unknown }>).classes;
}

/** Predicted classes in words. */
export function predictLabels(tree: FittedTree, rows: Rows, classes: readonly string[]): string[] {
  return Array.from(predictTree(tree, rows), (index) => classes[index]!);
}

/** Predicted numbers. */
export function predictRegression(tree: FittedTree, rows: Rows): Float64Array {
  return (modelOf(tree).predict(rows) as Extract<Prediction, { numbers: unknown }>).numbers;
}

/** The size of a tree. */
export function sizeOf(tree: FittedTree): Readonly<Record<string, number>> {
  return modelOf(tree).describe().facts;
}

/** A matrix from rows of features. */
export function matrixFrom(
  rows: readonly (readonly number[])[],
  labels: readonly string[],
): Matrix {
  const width = rows[0]?.length ?? 0;
  const columns = Array.from({ length: width }, (_, c) =>
    Float64Array.from(rows, (row) => row[c]!),
  );
  return { rows: rows.length, names: columns.map((_, c) => `x${c}`), columns, labels, dropped: 0 };
}

/** Rows of features, as ml-cart takes them. */
export function rowsOf({ rows, columns }: Pick<Matrix, 'rows' | 'columns'>): number[][] {
  return Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
}

/** Which of some rows go left at a node. */
export function goLeft(node: TreeNode, columns: readonly Float64Array[], rows: number[]): number[] {
  return rows.filter((row) => columns[node.splitColumn!]![row]! < node.splitValue!);
}

/** All numbers from 0 to below `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Gini impurity of some rows, times their number. */
export function giniOf(labels: readonly (string | number)[], rows: readonly number[]): number {
  const counts = new Map<string | number, number>();
  for (const row of rows) counts.set(labels[row]!, (counts.get(labels[row]!) ?? 0) + 1);
  const squares = [...counts.values()].reduce((sum, count) => sum + count * count, 0);
  return rows.length === 0 ? 0 : rows.length - squares / rows.length;
}

/** Squared error of some rows about their mean. */
export function errorOf(targets: ArrayLike<number>, rows: readonly number[]): number {
  const mean = rows.reduce((sum, row) => sum + targets[row]!, 0) / rows.length;
  return rows.reduce((sum, row) => sum + (targets[row]! - mean) ** 2, 0);
}
