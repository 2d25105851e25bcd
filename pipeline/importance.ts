import type { FlatTree } from './cart/flat-tree.ts';

/**
 * How much each feature has to do with a classification tree: the drop of the Gini impurity over its
 * splits, each weighted by the train rows of its node, as shares of the whole. It is scikit-learn's
 * `feature_importances_`. In a tree that does not say how many rows its nodes had, every split weighs
 * the same. A tree without splits gives zeros.
 * @param features how many there are, in the encoder's order
 */
export function featureImportance(tree: FlatTree, features: number): number[] {
  const { gains, samples, links } = tree;
  const splits = splitsOf(tree);
  const counted = splits.every((node) => !Number.isNaN(samples[node]));
  const drops = Array.from({ length: features }, () => 0);
  for (const node of splits) {
    // The last digits of a gain are rounding: one of nothing can come out below 0.
    const gain = gains[node]! > 0 ? gains[node]! : 0;
    drops[links[4 * node + 3]!]! += gain * (counted ? samples[node]! : 1);
  }
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
