import type { FlatTree } from './cart/flat-tree.ts';
import { rowsAtLeaves } from './cart/walk.ts';
import type { TreeModel } from './tree.ts';

/**
 * How much each feature has to do with a tree, as shares of the whole: what the tree says of it, or what
 * {@link giniImportance} finds.
 * @param features how many there are, in the encoder's order
 */
export function featureImportance({ flat, importance }: TreeModel, features: number): number[] {
  return importance === undefined ? giniImportance(flat, features) : [...importance];
}

/**
 * How much each feature has to do with a regression tree: the drop of the squared error over its splits, as
 * shares of the whole: scikit-learn's `feature_importances_`. ml-cart's JSON says what error a split leaves
 * and not how much there was, so it is told from the train rows. A tree without splits gives zeros.
 * @param columns of the train rows, by feature
 */
export function errorImportance(tree: FlatTree, columns: readonly Float64Array[]): number[] {
  const rows = rowsAtLeaves(tree, columns);
  // Counts times means, and no sum over rows: it must not depend on their order.
  const sums = rows.map((count, node) => (count === 0 ? 0 : count * tree.answers[node]!));
  const drops = Array.from(columns, () => 0);
  for (const node of splitsOf(tree).reverse()) {
    const right = tree.links[4 * node + 2]!;
    const [a, b] = [rows[right - 1]!, rows[right]!];
    const apart = sums[right - 1]! / a - sums[right]! / b;
    rows[node] = a + b;
    sums[node] = sums[right - 1]! + sums[right]!;
    drops[tree.links[4 * node + 3]!]! += ((a * b) / (a + b)) * apart * apart;
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
function giniImportance(tree: FlatTree, features: number): number[] {
  const { gains, samples, links } = tree;
  const splits = splitsOf(tree);
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

/** The inner nodes, each before those below it on its left and these before those on its right. */
function splitsOf({ links }: FlatTree): number[] {
  const splits: number[] = [];
  const open = [0];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const right = links[4 * node + 2]!;
    if (right === node) continue;
    splits.push(node);
    open.push(right, right - 1);
  }
  return splits;
}
