import { treeToJson } from '../../pipeline/models/tree.ts';
import type { FittedTree } from '../../pipeline/models/cart/fitted-tree.ts';
import type { TreeNode } from '../../pipeline/models/cart/ml-cart.ts';
import type { Matrix } from '../../pipeline/features/matrix.ts';

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

/** All of a tree's JSON. */
export function jsonOf(tree: FittedTree): Buffer {
  return Buffer.concat([...treeToJson(tree)]);
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
