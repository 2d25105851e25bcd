import type { FlatTree } from './flat-tree.ts';
import type { GrownTree } from './grown-tree.ts';

/**
 * How much each feature has to do with a regression tree just grown: the drop of the squared error over its
 * splits, as shares of the whole: scikit-learn's `feature_importances_`. ml-cart's JSON says what error a
 * split leaves and not how much there was, so a tree that was read does not know it. A tree without splits gives zeros.
 * @param features how many there are
 */
export function errorImportance(tree: GrownTree, features: number): number[] {
  const { rows, lefts, values } = tree;
  // Counts times means, and no sum over rows: it must not depend on their order.
  const sums = new Float64Array(tree.size);
  for (let node = 0; node < tree.size; node++)
    if (lefts[node] === 0) sums[node] = rows[node]! * values[node]!;
  const drops = Array.from({ length: features }, () => 0);
  const splits = splitsOf(tree.size, (node) => lefts[node]!);
  for (let i = splits.length - 1; i >= 0; i--) {
    const node = splits[i]!;
    const left = lefts[node]!;
    const [a, b] = [rows[left]!, rows[left + 1]!];
    const apart = sums[left]! / a - sums[left + 1]! / b;
    sums[node] = sums[left]! + sums[left + 1]!;
    drops[tree.features[node]!]! += ((a * b) / (a + b)) * apart * apart;
  }
  return sharesOf(drops);
}

/**
 * How much each feature has to do with a classification tree: the drop of the Gini impurity over its
 * splits, each weighted by the train rows of its node, as shares of the whole. It is scikit-learn's
 * `feature_importances_`. In a tree that does not say how many rows its nodes had, every split weighs
 * the same. A tree without splits gives zeros.
 * @param features how many there are, in the encoder's order
 */
export function giniImportance(tree: FlatTree, features: number): number[] {
  const { gains, samples, links } = tree;
  const splits = splitsOf(tree.nodes, (node) =>
    links[4 * node + 2] === node ? 0 : links[4 * node + 2]! - 1,
  );
  const counted = splits.every((node) => !Number.isNaN(samples[node]));
  const drops = Array.from({ length: features }, () => 0);
  for (const node of splits) {
    // The last digits of a gain are rounding: one of nothing can come out below 0.
    const gain = gains[node]! > 0 ? gains[node]! : 0;
    drops[links[4 * node + 3]!]! += gain * (counted ? samples[node]! : 1);
  }
  return sharesOf(drops);
}

function sharesOf(drops: number[]): number[] {
  const whole = drops.reduce((sum, drop) => sum + drop, 0);
  return whole === 0 ? drops : drops.map((drop) => drop / whole);
}

/**
 * The inner nodes, each before those below it on its left and these before those on its right.
 * @param nodes of the tree, leaves too
 * @param leftOf the left child of a node, before its right one; 0 at a leaf
 */
function splitsOf(nodes: number, leftOf: (node: number) => number): Int32Array {
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
