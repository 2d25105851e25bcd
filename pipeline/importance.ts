import type { TreeModel } from './tree.ts';

/**
 * How much each feature has to do with a classification tree: the drop of the Gini impurity over its
 * splits, each weighted by the train rows of its node, as shares of the whole. It is scikit-learn's
 * `feature_importances_`. In a tree that does not say how many rows its nodes had, every split weighs
 * the same. A tree without splits gives zeros.
 * @param root of ml-cart's JSON
 * @param features how many there are, in the encoder's order
 */
export function featureImportance(root: TreeModel['root'], features: number): number[] {
  const splits = splitsOf(root);
  const counted = splits.every(({ numberSamples }) => numberSamples !== undefined);
  const drops = Array.from({ length: features }, () => 0);
  for (const { splitColumn, gain, numberSamples } of splits) {
    // The last digits of a gain are rounding: one of nothing can come out below 0.
    const drop = Math.max(gain ?? 0, 0) * (counted ? numberSamples! : 1);
    drops[splitColumn!]! += drop;
  }
  const whole = drops.reduce((sum, drop) => sum + drop, 0);
  return whole === 0 ? drops : drops.map((drop) => drop / whole);
}

/** The inner nodes, without recursion, so that any depth will do. */
function splitsOf(root: TreeModel['root']): TreeModel['root'][] {
  const splits: TreeModel['root'][] = [];
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const { distribution, left, right } = node;
    if (distribution !== undefined || !left || !right) continue;
    splits.push(node);
    open.push(right, left);
  }
  return splits;
}
