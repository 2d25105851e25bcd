import { type Block, emptyBlock, narrowBlock, type Targets } from './block.ts';
import type { Criterion, Split } from './criterion.ts';
import { GrownTree } from './grown-tree.ts';
import { keepLeft, keepRight, markSides, partition } from './partition.ts';
import type { Report } from '../progress.ts';
import { thresholdBetween } from './threshold.ts';

/** When to stop; no limit on depth is Infinity. */
export interface GrowthLimits {
  readonly maxDepth: number;
  /** A node with fewer rows is a leaf. */
  readonly minSplit: number;
  /** A cut leaves at least as many rows on either side. */
  readonly minLeaf: number;
  /** A split must lower the impurity by more than this. */
  readonly minDrop: number;
}

/** A node still to be made: a range of the orders of a block. */
export interface Task {
  /** Its number in the tree. */
  readonly node: number;
  /** Which of the blocks. */
  readonly level: number;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  /** Features that varied in the parent, whose orders are sorted within this node. */
  readonly features: readonly number[];
  /** The order whose range lists this node's rows. */
  readonly list: number;
}

/** Work to share with others. */
export interface Shared {
  /** Rows of a node that others may take. */
  readonly most: number;
  /** Offers a node; whether somebody will grow it. */
  offer(task: Task): boolean;
}

/** Rows in the blocks of subtrees: what fits the second and the first level of a processor's cache. */
const BLOCK_ROWS = [1 << 15, 1 << 11];

/**
 * Grows a tree, depth first and without recursion, so that no depth is too much.
 * @param columns what the block was sorted by
 * @param report told how many rows have found their leaf
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
  grow(tree, rootTask(tree.add(), block.rows, columns.length, criterion.listed));
  return tree;
}

/** The node that all others come from. */
export function rootTask(node: number, rows: number, width: number, listed: boolean): Task {
  const features = Array.from({ length: width }, (_, feature) => feature);
  return taskOf({ level: 0, depth: 0, features, list: listed ? width : 0 }, node, 0, rows);
}

/**
 * Prepares to grow any node of a block.
 * @param settle told of rows that have found their leaf
 * @returns grows a node to its end. Nodes below it of no more rows than `shared.most` are offered to others,
 * as ranges of the block itself, and left open where they are taken
 */
export function growFrom<T extends Targets>(
  columns: readonly Float64Array[],
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  settle: (rows: number) => void,
): (tree: GrownTree, root: Task, shared?: Shared) => void {
  const inner = BLOCK_ROWS.filter((rows) => rows < block.rows);
  const blocks = [block, ...inner.map((rows) => emptyBlock(block, rows))];
  return (tree, root, shared) => {
    const tasks = [root];
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
      const isLarge = shared !== undefined && task.end - task.start > shared.most;
      if (shared !== undefined && !isLarge && task.level === 0 && shared.offer(task)) continue;
      const moved = isLarge ? task : toInnerBlock(blocks, task);
      const others = tasks.length;
      growNode(columns, blocks[moved.level]!, criterion, limits, tree, moved, tasks);
      let settled = task.end - task.start;
      for (let i = others; i < tasks.length; i++) settled -= tasks[i]!.end - tasks[i]!.start;
      settle(settled);
    }
  };
}

/** Makes a leaf of a node, or splits it and leaves its children to be done. */
function growNode<T extends Targets>(
  columns: readonly Float64Array[],
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  tree: GrownTree,
  task: Task,
  tasks: Task[],
): void {
  const { node, level, start, end, depth, list } = task;
  const { orders } = block;
  const isPure = criterion.enter(block, orders[list]!, start, end);
  if (isPure || end - start < limits.minSplit) {
    setLeaf(tree, node, criterion, end - start < limits.minSplit);
    return;
  }
  const features = varying(block, task);
  for (const feature of features) criterion.scan(block, feature, start, end, limits.minLeaf);
  const split = criterion.best(block, start, end);
  if (split === null) {
    setLeaf(tree, node, criterion, false);
    return;
  }
  const middle = start + split.left;
  const threshold = thresholdAt(columns[split.feature]!, block, split.feature, middle);
  tree.setSplit(node, split.feature, threshold, split.gain, end - start);
  if (depth >= limits.maxDepth || !(split.drop > limits.minDrop)) {
    criterion.setLeaf(tree, node);
    return;
  }
  const leftIsLeaf = split.leftIsPure || split.left < limits.minSplit;
  const rightIsLeaf = split.rightIsPure || end - middle < limits.minSplit;
  const mayBePair = limits.minLeaf === 1;
  const leftIsDone = leftIsLeaf || (mayBePair && split.left === 2);
  const rightIsDone = rightIsLeaf || (mayBePair && end - middle === 2);
  const below = {
    level,
    depth: depth + 1,
    features,
    list: criterion.listed ? list : split.feature,
  };
  part(block, task, features, split, leftIsDone, rightIsDone, criterion.listed);
  const left = tree.addChildren(node);
  const right = left + 1;
  // The right one first, for the last task is done next.
  if (!rightIsDone) tasks.push(taskOf(below, right, middle, end));
  if (!leftIsDone) tasks.push(taskOf(below, left, start, middle));
  if (rightIsLeaf) enterLeaf(block, criterion, limits, tree, below, right, middle, end);
  else if (rightIsDone) growPair(columns, block, criterion, limits, tree, below, right, middle);
  if (leftIsLeaf) enterLeaf(block, criterion, limits, tree, below, left, start, middle);
  else if (leftIsDone) growPair(columns, block, criterion, limits, tree, below, left, start);
}

/** Makes a leaf of a node that cannot be split, without the detour of a task. */
function enterLeaf<T extends Targets>(
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
 * Grows a node of two rows whose targets differ, as {@link growNode} would, but in no need of sorted
 * orders: they can be parted in one way only. Most nodes of a tree grown to its end are such, or leaves.
 */
function growPair<T extends Targets>(
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
  const feature = firstToPart(block, features, one, other);
  if (feature < 0) {
    criterion.enter(block, order, start, start + 2);
    setLeaf(tree, node, criterion, false);
    return;
  }
  const value = columns[feature]![block.ids[one]!]!;
  const otherValue = columns[feature]![block.ids[other]!]!;
  const isLess = value < otherValue;
  const threshold = isLess
    ? thresholdBetween(value, otherValue)
    : thresholdBetween(otherValue, value);
  tree.setSplit(node, feature, threshold, criterion.gainOfPair, 2);
  const [left, right] = isLess ? [one, other] : [other, one];
  if (depth >= limits.maxDepth || !(criterion.dropOfPair(block, left, right) > limits.minDrop)) {
    criterion.enter(block, order, start, start + 2);
    criterion.setLeaf(tree, node);
    return;
  }
  const child = tree.addChildren(node);
  criterion.setSingle(tree, child, block, left);
  criterion.setSingle(tree, child + 1, block, right);
}

/** The first feature in which two rows differ; -1 when there is none. */
function firstToPart(
  { ranks }: Block,
  features: readonly number[],
  one: number,
  other: number,
): number {
  for (let i = 0; i < features.length; i++) {
    const rank = ranks[features[i]!]!;
    if (rank === null || rank[one] !== rank[other]) return features[i]!;
  }
  return -1;
}

/** @param isSmall whether there were too few rows to look for a cut, rather than none to be found */
function setLeaf<T extends Targets>(
  tree: GrownTree,
  node: number,
  criterion: Criterion<T>,
  isSmall: boolean,
): void {
  if (!isSmall) tree.setUnsplit(node);
  criterion.setLeaf(tree, node);
}

/** What the children of a node have in common. */
type Place = Pick<Task, 'level' | 'depth' | 'features' | 'list'>;

/** One literal for all tasks, for speed. */
function taskOf(
  { level, depth, features, list }: Place,
  node: number,
  start: number,
  end: number,
): Task {
  return { node, level, start, end, depth, features, list };
}

function thresholdAt(column: Float64Array, block: Block, feature: number, middle: number): number {
  const order = block.orders[feature]!;
  const below = column[block.ids[order[middle - 1]!]!]!;
  const above = column[block.ids[order[middle]!]!]!;
  return thresholdBetween(below, above);
}

/** The features that still vary: what is constant in a node is so in all below it, and skipped there. */
function varying({ ranks, orders }: Block, { features, start, end }: Task): readonly number[] {
  let kept: number[] | null = null;
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    const rank = ranks[feature]!;
    const order = orders[feature]!;
    const varies = rank === null || rank[order[start]!] !== rank[order[end - 1]!];
    if (!varies) kept ??= features.slice(0, i);
    else if (kept !== null) kept.push(feature);
  }
  return kept ?? features;
}

/**
 * Parts the orders of a node's rows in two.
 * @param leftIsDone whether the left child needs no sorted orders, being a leaf or a pair
 */
function part(
  { orders, side, spare }: Block,
  { start, end, list }: Task,
  features: readonly number[],
  split: Split,
  leftIsDone: boolean,
  rightIsDone: boolean,
  listed: boolean,
): void {
  const isLast = leftIsDone && rightIsDone;
  if (isLast && !listed) return;
  if (!split.isMarked) markSides(orders[split.feature]!, start, end, split.left, side);
  if (listed) partition(orders[list]!, start, end, side, spare);
  if (isLast) return;
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature === split.feature) continue;
    const order = orders[feature]!;
    if (leftIsDone) keepRight(order, start, end, side);
    else if (rightIsDone) keepLeft(order, start, end, side);
    else partition(order, start, end, side, spare);
  }
}

/** Moves a node to a block of its own once it fits a smaller one. */
function toInnerBlock<T extends Targets>(blocks: readonly Block<T>[], task: Task): Task {
  const { level, features, list, start, end } = task;
  const rows = end - start;
  let inner = level;
  while (inner + 1 < blocks.length && rows <= blocks[inner + 1]!.ids.length) inner++;
  if (inner === level) return task;
  narrowBlock(blocks[level]!, blocks[inner]!, features, list, start, end);
  return taskOf({ ...task, level: inner }, task.node, 0, rows);
}
