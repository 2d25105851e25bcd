import type { Matrix } from './matrix.ts';
import type { TreeModel, TreeNode } from './tree.ts';

/** A tree as parallel arrays, which is quicker to walk: node 0 is the root, a leaf has `feature` -1. */
interface FlatTree {
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Class index a leaf predicts. */
  readonly answer: readonly number[];
  readonly depth: readonly number[];
}

/**
 * Predicts the class index of every row, as ml-cart's own `predict` does: left where the feature is less
 * than the threshold, and at a leaf the likeliest class, the first among equals.
 * @param matrix rows encoded by the encoder the tree was fitted with
 */
export function predictTree(model: TreeModel, matrix: Matrix): Int32Array {
  const { feature, threshold, left, right, answer } = flatten(model.root);
  const predicted = new Int32Array(matrix.rows);
  for (let row = 0; row < matrix.rows; row++) {
    let node = 0;
    while (feature[node]! >= 0) {
      const isLess = matrix.columns[feature[node]!]![row]! < threshold[node]!;
      node = isLess ? left[node]! : right[node]!;
    }
    predicted[row] = answer[node]!;
  }
  return predicted;
}

/** The predicted class of every row, in words. */
export function predictLabels(
  model: TreeModel,
  matrix: Matrix,
  classes: readonly string[],
): string[] {
  return Array.from(predictTree(model, matrix), (index) => classes[index]!);
}

/** The size of a tree: `depth` counts splits from the root to the deepest leaf, 0 for a single leaf. */
export function describeTree(model: TreeModel): { depth: number; leaves: number; nodes: number } {
  const { feature, depth } = flatten(model.root);
  return {
    depth: depth.reduce((deepest, level) => Math.max(deepest, level), 0),
    leaves: feature.filter((index) => index < 0).length,
    nodes: feature.length,
  };
}

/** Children come after their parent, level by level; without recursion, so any depth will do. */
function flatten(root: TreeNode): FlatTree {
  const nodes: TreeNode[] = [root];
  const tree = {
    feature: [] as number[],
    threshold: [] as number[],
    left: [] as number[],
    right: [] as number[],
    answer: [] as number[],
    depth: [0],
  };
  for (let i = 0; i < nodes.length; i++) {
    const { distribution, splitColumn, splitValue, left, right } = nodes[i]!;
    const isLeaf = distribution !== undefined || !left || !right;
    tree.feature.push(isLeaf ? -1 : splitColumn!);
    tree.threshold.push(isLeaf ? Number.NaN : splitValue!);
    tree.answer.push(isLeaf ? likeliest(distribution?.[0] ?? []) : -1);
    tree.left.push(isLeaf ? -1 : nodes.length);
    tree.right.push(isLeaf ? -1 : nodes.length + 1);
    if (isLeaf) continue;
    nodes.push(left, right);
    tree.depth.push(tree.depth[i]! + 1, tree.depth[i]! + 1);
  }
  return tree;
}

function likeliest(shares: readonly number[]): number {
  let best = 0;
  shares.forEach((share, index) => {
    if (share > shares[best]!) best = index;
  });
  return best;
}
