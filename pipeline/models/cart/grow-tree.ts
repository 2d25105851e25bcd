import { type Block, type Targets, emptyBlock, narrowBlock } from './block.ts';
import type { Criterion, Split } from './criterion.ts';
import { GrownTree } from './grown-tree.ts';
import { enterLeaf, growPair, setLeaf } from './leaf.ts';
import { BOTH, LEFT, markSides, partition, partOrder, RIGHT, selectVarying } from './partition.ts';
import { type GrowthLimits, type Task, type Team, makeRootTask, makeTask } from './task.ts';
import type { Report } from '../../progress.ts';

/** Work to share with others. */
export interface Shared {
  /** The largest number of rows of a node that one other thread may take. All threads split larger nodes together. */
  readonly most: number;
  readonly team: Team;
  /** Offers a node to other threads. Returns whether one of them will grow it. */
  offer(task: Task): boolean;
}

/** The number of rows in the blocks of subtrees. They fit the second and the first level of a processor's cache. */
const BLOCK_ROWS = [1 << 15, 1 << 11];

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
  grow(tree, makeRootTask(tree.add(), block.rows, columns.length, criterion.listed));
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
  const inner = BLOCK_ROWS.filter((rows) => rows < block.rows);
  const blocks = [block, ...inner.map((rows) => emptyBlock(block, rows))];
  return (tree, root, shared) => {
    const tasks = [root];
    for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) {
      const isLarge = shared !== undefined && task.end - task.start > shared.most;
      if (shared !== undefined && !isLarge && task.level === 0 && shared.offer(task)) continue;
      const moved = isLarge ? task : toInnerBlock(blocks, task);
      const others = tasks.length;
      const team = isLarge ? shared.team : undefined;
      growNode(columns, blocks[moved.level]!, criterion, limits, tree, moved, tasks, team);
      let settled = task.end - task.start;
      for (let i = others; i < tasks.length; i++) settled -= tasks[i]!.end - tasks[i]!.start;
      settle(settled);
    }
  };
}

/** Makes a leaf of a node, or splits it and adds tasks for its children. */
function growNode<T extends Targets>(
  columns: readonly Float64Array[],
  block: Block<T>,
  criterion: Criterion<T>,
  limits: GrowthLimits,
  tree: GrownTree,
  task: Task,
  tasks: Task[],
  team: Team | undefined,
): void {
  const { node, level, start, end, depth, list } = task;
  const { orders } = block;
  const isPure = criterion.enter(block, orders[list]!, start, end);
  if (isPure || end - start < limits.minSplit) {
    setLeaf(tree, node, criterion, end - start < limits.minSplit);
    return;
  }
  const features = selectVarying(block, task);
  if (team !== undefined) team.search(task, features);
  else {
    for (const feature of features) criterion.scan(block, feature, start, end, limits.minLeaf);
    if (criterion.isCrowded) searchAgain(block, criterion, features, start, end, limits.minLeaf);
  }
  const split = criterion.best(block, start, end);
  if (split === null) {
    setLeaf(tree, node, criterion, false);
    return;
  }
  const middle = start + split.left;
  const order = orders[split.feature]!;
  const below = block.ids[order[middle - 1]!]!;
  tree.setSplit(node, split.feature, below, block.ids[order[middle]!]!, split.gain, end - start);
  if (depth >= limits.maxDepth || !(split.drop > limits.minDrop)) {
    criterion.setLeaf(tree, node);
    return;
  }
  const leftIsLeaf = split.leftIsPure || split.left < limits.minSplit;
  const rightIsLeaf = split.rightIsPure || end - middle < limits.minSplit;
  const mayBePair = limits.minLeaf === 1;
  const leftIsDone = leftIsLeaf || (mayBePair && split.left === 2);
  const rightIsDone = rightIsLeaf || (mayBePair && end - middle === 2);
  const children = {
    level,
    depth: depth + 1,
    features,
    list: criterion.listed ? list : split.feature,
  };
  part(block, task, features, split, leftIsDone, rightIsDone, criterion.listed, team);
  const left = tree.addChildren(node);
  const right = left + 1;
  // The right child first, because the last task is done next.
  if (!rightIsDone) tasks.push(makeTask(children, right, middle, end));
  if (!leftIsDone) tasks.push(makeTask(children, left, start, middle));
  if (rightIsLeaf) enterLeaf(block, criterion, limits, tree, children, right, middle, end);
  else if (rightIsDone) growPair(columns, block, criterion, limits, tree, children, right, middle);
  if (leftIsLeaf) enterLeaf(block, criterion, limits, tree, children, left, start, middle);
  else if (leftIsDone) growPair(columns, block, criterion, limits, tree, children, left, start);
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

/** Moves a node to a smaller block when it fits. */
function toInnerBlock<T extends Targets>(blocks: readonly Block<T>[], task: Task): Task {
  const { level, features, list, start, end } = task;
  const rows = end - start;
  let inner = level;
  while (inner + 1 < blocks.length && rows <= blocks[inner + 1]!.ids.length) inner++;
  if (inner === level) return task;
  narrowBlock(blocks[level]!, blocks[inner]!, features, list, start, end);
  return makeTask({ ...task, level: inner }, task.node, 0, rows);
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
  const { orders, side, spare } = block;
  const { start, end, list } = task;
  const isLast = leftIsDone && rightIsDone;
  if (isLast && !listed) return;
  if (!split.isMarked) markSides(orders[split.feature]!, start, end, split.left, side);
  if (listed) partition(orders[list]!, start, end, side, spare);
  if (isLast) return;
  const kept = leftIsDone ? RIGHT : rightIsDone ? LEFT : BOTH;
  if (team !== undefined) {
    team.part(task, features, split.feature, kept);
    return;
  }
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature !== split.feature) partOrder(orders[feature]!, start, end, side, spare, kept);
  }
}
