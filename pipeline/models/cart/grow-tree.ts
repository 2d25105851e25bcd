import { type Block, type Targets } from './block.ts';
import type { Criterion, Split } from './criterion.ts';
import { markCut } from './cut.ts';
import { GrownTree } from './grown-tree.ts';
import { enterLeaf, growPair, setLeaf } from './leaf.ts';
import { type Level, enterLevel, findLevel, makeLevels } from './level.ts';
import { BOTH, LEFT, partition, partOrder, RIGHT, selectVarying } from './partition.ts';
import { measureFeature, makeFindings, takeBest } from './search.ts';
import {
  type GrowthLimits,
  type Place,
  type Task,
  type Team,
  makeRootTask,
  makeTask,
} from './task.ts';
import type { ValueCounts } from './counter.ts';
import type { NodeCounter } from './node-counter.ts';
import type { Report } from '../../progress.ts';

/** Work to share with others. */
export interface Shared {
  /** The largest number of rows of a node that one other thread may take. All threads split larger nodes together. */
  readonly most: number;
  readonly team: Team;
  /** Offers a node to other threads. Returns whether one of them will grow it. */
  offer(task: Task): boolean;
}

/**
 * Grows a tree, depth first and without recursion, so that the depth has no limit.
 * @param columns the columns that the block was sorted by
 * @param report receives the number of rows that have their leaf
 */
export function growTree<T extends Targets>(
  columns: readonly Float64Array[],
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  report?: Report,
): GrownTree {
  const tree = new GrownTree();
  let settled = 0;
  const grow = growFrom(columns, block, criterion, limits, (rows) => {
    settled += rows;
    report?.(settled / block.rows, settled);
  });
  grow(tree, makeRootTask(tree.add(), block));
  return tree.place(columns);
}

/**
 * Prepares to grow any node of a block.
 * @param settle receives the number of rows that have their leaf
 * @returns a function that grows a node to its end. Nodes below it with at most `shared.most` rows are offered to
 * other threads, as ranges of the block itself, and left open when they are taken
 */
export function growFrom<T extends Targets>(
  columns: readonly Float64Array[],
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  settle: (rows: number) => void,
): (tree: GrownTree, root: Task, shared?: Shared) => void {
  const levels = makeLevels(block, criterion.counter, criterion.listed, limits.maxDepth);
  return (tree, root, shared) => {
    const tasks = [root];
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
      const isLarge = shared !== undefined && task.end - task.start > shared.most;
      if (shared !== undefined && !isLarge && task.level === 0 && shared.offer(task)) continue;
      const moved = isLarge ? task : enterLevel(levels, task);
      const others = tasks.length;
      const team = isLarge ? shared.team : undefined;
      growNode(columns, levels, criterion, limits, tree, moved, tasks, team);
      let settled = task.end - task.start;
      for (let i = others; i < tasks.length; i++) settled -= tasks[i]!.end - tasks[i]!.start;
      settle(settled);
    }
  };
}

/** Makes a leaf of a node, or splits it and adds tasks for its children. */
function growNode<T extends Targets>(
  columns: readonly Float64Array[],
  levels: readonly Level<T>[],
  criterion: Criterion<T>,
  limits: GrowthLimits,
  tree: GrownTree,
  task: Task,
  tasks: Task[],
  team: Team | undefined,
): void {
  const { node, level, start, end, depth, list } = task;
  const { block, counter } = levels[level]!;
  const { orders } = block;
  const known = task.counts === null ? null : task.counts.moments;
  const isPure = criterion.enter(block, orders[list]!, start, end, known);
  if (isPure || end - start < limits.minSplit) {
    if (task.counts !== null) counter!.release(task.counts);
    setLeaf(tree, node, criterion, end - start < limits.minSplit);
    return;
  }
  let features = selectVarying(block, task);
  let counts: ValueCounts | null = null;
  if (team !== undefined) features = team.search(task, features);
  else if (counter !== null) {
    counts = task.counts ?? counter.count(features, start, end);
    features = searchCounts(block, criterion, counter, counts, features, task, limits.minLeaf);
  } else {
    for (const feature of features) criterion.scan(block, feature, start, end, limits.minLeaf);
    if (criterion.isCrowded) searchAgain(block, criterion, features, start, end, limits.minLeaf);
  }
  const split = criterion.best(block, start, end);
  if (split === null) {
    if (counts !== null) counter!.release(counts);
    setLeaf(tree, node, criterion, false);
    return;
  }
  const middle = start + split.left;
  tree.setSplit(node, split.feature, split.below, split.above, split.gain, end - start);
  if (depth >= limits.maxDepth || !(split.drop > limits.minDrop)) {
    if (counts !== null) counter!.release(counts);
    criterion.setLeaf(tree, node);
    return;
  }
  const leftIsLeaf = split.leftIsPure || split.left < limits.minSplit;
  const rightIsLeaf = split.rightIsPure || end - middle < limits.minSplit;
  const mayBePair = limits.minLeaf === 1;
  const leftIsDone = leftIsLeaf || (mayBePair && split.left === 2);
  const rightIsDone = rightIsLeaf || (mayBePair && end - middle === 2);
  const isListed = orders.length > block.ranks.length;
  const children = {
    level,
    depth: depth + 1,
    features,
    list: isListed ? list : split.feature,
  };
  part(block, task, features, split, leftIsDone, rightIsDone, isListed, team);
  const [ofLeft, ofRight] =
    counts === null
      ? NO_COUNTS
      : countChildren(levels, children, counts, start, middle, end, leftIsDone, rightIsDone);
  if (ofLeft !== null) ofLeft.moments = split.leftMoments;
  if (ofRight !== null) ofRight.moments = split.rightMoments;
  const left = tree.addChildren(node);
  const right = left + 1;
  // The last task is done next. It is the smaller one, so that few nodes wait with their counts.
  const leftTask = leftIsDone ? null : makeTask(children, left, start, middle, ofLeft);
  const rightTask = rightIsDone ? null : makeTask(children, right, middle, end, ofRight);
  const leftIsSmaller = middle - start <= end - middle;
  const [first, second] = leftIsSmaller ? [rightTask, leftTask] : [leftTask, rightTask];
  if (first !== null) tasks.push(first);
  if (second !== null) tasks.push(second);
  if (rightIsLeaf) enterLeaf(block, criterion, limits, tree, children, right, middle, end);
  else if (rightIsDone) growPair(columns, block, criterion, limits, tree, children, right, middle);
  if (leftIsLeaf) enterLeaf(block, criterion, limits, tree, children, left, start, middle);
  else if (leftIsDone) growPair(columns, block, criterion, limits, tree, children, left, start);
}

/** Tries every cut of a node of a block with coded features. Returns the features that may split the nodes below. */
function searchCounts<T extends Targets>(
  block: Block<T>,
  criterion: Criterion<T>,
  counter: NodeCounter,
  counts: ValueCounts,
  features: readonly number[],
  { start, end }: Task,
  minLeaf: number,
): readonly number[] {
  const found = makeFindings(block.ranks.length);
  for (const feature of features)
    measureFeature(block, criterion, counter, counts, feature, start, end, minLeaf, found);
  return takeBest(block, criterion, features, start, end, minLeaf, found);
}

/** Tries every cut of a node once more, now that the best score is known. */
function searchAgain<T extends Targets>(
  block: Block<T>,
  criterion: Criterion<T>,
  features: readonly number[],
  start: number,
  end: number,
  minLeaf: number,
): void {
  criterion.aim(criterion.score);
  for (const feature of features) criterion.scan(block, feature, start, end, minLeaf);
}

const NO_COUNTS = [null, null] as const;

/**
 * Counts the children of a node that stay in its level: the smaller one from its rows, and the larger one as what is
 * left.
 * @param counts of the node; their memory is used again
 * @returns the counts of the left child and the right child, null for one that needs none
 */
function countChildren<T extends Targets>(
  levels: readonly Level<T>[],
  { level, features }: Place,
  counts: ValueCounts,
  start: number,
  middle: number,
  end: number,
  leftIsDone: boolean,
  rightIsDone: boolean,
): readonly [ValueCounts | null, ValueCounts | null] {
  const counter = levels[level]!.counter!;
  const leftStays = !leftIsDone && findLevel(levels, level, middle - start, features) === level;
  const rightStays = !rightIsDone && findLevel(levels, level, end - middle, features) === level;
  if (!leftStays && !rightStays) {
    counter.release(counts);
    return NO_COUNTS;
  }
  const leftIsSmaller = middle - start <= end - middle;
  const smaller = leftIsSmaller
    ? counter.count(features, start, middle)
    : counter.count(features, middle, end);
  const largerStays = leftIsSmaller ? rightStays : leftStays;
  const isLeft = largerStays && counter.subtract(counts, smaller, features);
  if (!isLeft) counter.release(counts);
  const smallerStays = leftIsSmaller ? leftStays : rightStays;
  if (!smallerStays) counter.release(smaller);
  const ofSmaller = smallerStays ? smaller : null;
  const ofLarger = isLeft ? counts : null;
  return leftIsSmaller ? [ofSmaller, ofLarger] : [ofLarger, ofSmaller];
}

/**
 * Parts the orders of a node's rows in two.
 * @param leftIsDone whether the left child needs no sorted orders, because it is a leaf or a pair
 * @param team the threads that part the orders; without a team the calling thread parts them
 */
function part(
  block: Block,
  task: Task,
  features: readonly number[],
  split: Split,
  leftIsDone: boolean,
  rightIsDone: boolean,
  listed: boolean,
  team: Team | undefined,
): void {
  const { orders, codes, side, spare } = block;
  const { start, end, list } = task;
  const isLast = leftIsDone && rightIsDone;
  if (isLast && !listed) return;
  if (!split.isMarked) markCut(block, start, end, split.feature, split.cut);
  if (listed) partition(orders[list]!, start, end, side, spare);
  if (isLast) return;
  const kept = leftIsDone ? RIGHT : rightIsDone ? LEFT : BOTH;
  if (team !== undefined) {
    team.part(task, features, split.feature, kept);
    return;
  }
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature !== split.feature && codes[feature] === null)
      partOrder(orders[feature]!, start, end, side, spare, kept);
  }
}
