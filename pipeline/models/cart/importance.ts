import type { FlatTree } from './flat-tree.ts';
import type { GrownTree } from './grown-tree.ts';

/**
 * Computes the importance of each feature in a new regression tree: the drop of the squared error over its splits,
 * as shares of 1, like scikit-learn's `feature_importances_`. ml-cart's JSON has the error after a split and not
 * before it, so a stored tree cannot give it. A tree without splits gives zeros.
 * @param features the number of features
 */
export function errorImportance(tree: GrownTree, features: number): number[] {
  const { rows, lefts, values } = tree;
  // Counts times means, because a sum over rows would depend on their order.
  const sums = new Float64Array(tree.size);
  for (let node = 0; node < tree.size; node++)
    if (lefts[node] === 0) sums[node] = rows[node]! * values[node]!;
  const drops = Array.from({ length: features }, () => 0);
  const splits = listSplits(tree.size, (node) => lefts[node]!);
  for (let i = splits.length - 1; i >= 0; i--) {
    const node = splits[i]!;
    const left = lefts[node]!;
    const [a, b] = [rows[left]!, rows[left + 1]!];
    const apart = sums[left]! / a - sums[left + 1]! / b;
    sums[node] = sums[left]! + sums[left + 1]!;
    drops[tree.features[node]!]! += ((a * b) / (a + b)) * apart * apart;
  }
  return toShares(drops);
}

/**
 * Computes the importance of each feature in a classification tree: the drop of the Gini impurity over its splits,
 * weighted by the train rows of their nodes, as shares of 1, like scikit-learn's `feature_importances_`. If the
 * tree does not have the rows of its nodes, all splits weigh the same. A tree without splits gives zeros.
 * @param features the number of features, in the encoder's order
 */
export function giniImportance(tree: FlatTree, features: number): number[] {
  const { gains, samples, links } = tree;
  const splits = listSplits(tree.nodes, (node) =>
    links[4 * node + 2] === node ? 0 : links[4 * node + 2]! - 1,
  );
  const counted = splits.every((node) => !Number.isNaN(samples[node]));
  const drops = Array.from({ length: features }, () => 0);
  for (const node of splits) {
    // A gain is rounded, so a gain of 0 may be slightly negative.
    const gain = gains[node]! > 0 ? gains[node]! : 0;
    drops[links[4 * node + 3]!]! += gain * (counted ? samples[node]! : 1);
  }
  return toShares(drops);
}

function toShares(drops: number[]): number[] {
  const whole = drops.reduce((sum, drop) => sum + drop, 0);
  return whole === 0 ? drops : drops.map((drop) => drop / whole);
}

/**
 * Lists the inner nodes: each node, then those below its left child, then those below its right child.
 * @param nodes the number of nodes, with the leaves
 * @param leftOf returns the left child of a node, which its right child follows; 0 for a leaf
 */
function listSplits(nodes: number, leftOf: (node: number) => number): Int32Array {
  const splits = new Int32Array((nodes - 1) / 2);
  let found = 0;
  const open = [0];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const left = leftOf(node);
    if (left === 0) continue;
    splits[found++] = node;
    open.push(left + 1, left);
  }
  return splits;
}
