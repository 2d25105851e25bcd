import type { Block, Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import type { GrownTree } from './grown-tree.ts';
import type { GrowthLimits, Place } from './task.ts';

/**
 * Makes a leaf of the rows that were entered last.
 * @param isSmall whether the rows were too few to look for a cut; otherwise no cut was found
 */
export function setLeaf<T extends Targets>(
  tree: GrownTree,
  node: number,
  criterion: Criterion<T>,
  isSmall: boolean,
): void {
  if (!isSmall) tree.setUnsplit(node);
  criterion.setLeaf(tree, node);
}

/** Makes a leaf of a node that cannot be split. It needs no task. */
export function enterLeaf<T extends Targets>(
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  tree: GrownTree,
  { list }: Place,
  node: number,
  start: number,
  end: number,
): void {
  const order = block.orders[list]!;
  if (end - start === 1 && limits.minSplit > 1) {
    criterion.setSingle(tree, node, block, order[start]!);
    return;
  }
  criterion.enter(block, order, start, end);
  setLeaf(tree, node, criterion, end - start < limits.minSplit);
}

/**
 * Grows a node of two rows whose targets differ. The result is the same as for any other node, but it needs no sorted
 * orders, because two rows can be separated in only one way. Most nodes of a fully grown tree are such pairs or
 * leaves.
 */
export function growPair<T extends Targets>(
  columns: readonly Float64Array[],
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  tree: GrownTree,
  { features, list, depth }: Place,
  node: number,
  start: number,
): void {
  const order = block.orders[list]!;
  const one = order[start]!;
  const other = order[start + 1]!;
  const feature = findDifference(block, features, one, other);
  if (feature < 0) {
    criterion.enter(block, order, start, start + 2);
    setLeaf(tree, node, criterion, false);
    return;
  }
  const value = columns[feature]![block.ids[one]!]!;
  const otherValue = columns[feature]![block.ids[other]!]!;
  const left = value < otherValue ? one : other;
  const right = left === one ? other : one;
  tree.setSplit(node, feature, block.ids[left]!, block.ids[right]!, criterion.gainOfPair, 2);
  if (depth >= limits.maxDepth || !(criterion.dropOfPair(block, left, right) > limits.minDrop)) {
    criterion.enter(block, order, start, start + 2);
    criterion.setLeaf(tree, node);
    return;
  }
  const child = tree.addChildren(node);
  criterion.setSingle(tree, child, block, left);
  criterion.setSingle(tree, child + 1, block, right);
}

/** Returns the first feature in which two rows differ; -1 when there is none. */
function findDifference(
  { ranks, codes }: Block,
  features: readonly number[],
  one: number,
  other: number,
): number {
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    const code = codes[feature]!;
    const rank = ranks[feature]!;
    const differs =
      code !== null ? code[one] !== code[other] : rank === null || rank[one] !== rank[other];
    if (differs) return feature;
  }
  return -1;
}
