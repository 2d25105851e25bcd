import { type Block, type Targets, makeEmptyBlock, isCoded, narrowBlock } from './block.ts';
import type { Counter } from './counter.ts';
import { type Task, makeTask } from './task.ts';
import { NodeCounter } from './node-counter.ts';

/** A block in which nodes are grown. The first has all rows. Smaller nodes move to later, smaller ones. */
export interface Level<T extends Targets> {
  readonly block: Block<T>;
  /** Counts nodes by value; null if the block has no coded features. */
  readonly counter: NodeCounter | null;
}

/** The number of rows in the blocks of subtrees. They fit the second and the first level of a processor's cache. */
const LARGE = 1 << 15;
const SMALL = 1 << 11;
/** A tree of at most this depth has no such blocks: few nodes would use one, and filling it takes longer. */
const SHALLOW = 8;

/**
 * Makes the levels of a tree. If its block has coded features, the first level below has them too. In the last levels
 * all features are sorted, because sorting a small node costs less than counting it.
 */
export function makeLevels<T extends Targets>(
  block: Block<T>,
  counter: Counter<T>,
  listed: boolean,
  maxDepth: number,
): Level<T>[] {
  const sizes = [LARGE, SMALL].filter((rows) => rows < block.rows);
  const blocks = [block];
  if (isCoded(block)) {
    if (LARGE >= block.rows) sizes.unshift(block.rows);
    else if (maxDepth > SHALLOW) blocks.push(makeEmptyBlock(block, LARGE, true, listed));
  }
  for (const rows of sizes) blocks.push(makeEmptyBlock(block, rows, false, listed));
  return blocks.map((made) => ({
    block: made,
    counter: isCoded(made) ? new NodeCounter(made, counter as unknown as Counter) : null,
  }));
}

/** Returns the level in which a node of another level is grown. */
export function findLevel<T extends Targets>(
  levels: readonly Level<T>[],
  level: number,
  rows: number,
  features: readonly number[],
): number {
  const { counter } = levels[level]!;
  const isCounted = counter !== null && counter.isWorth(rows, features);
  for (let inner = levels.length - 1; inner > level; inner--) {
    const { block, counter: other } = levels[inner]!;
    if ((other !== null) === isCounted && rows <= block.ids.length) return inner;
  }
  return level;
}

/** Moves a node to its level, if that is another one. */
export function enterLevel<T extends Targets>(levels: readonly Level<T>[], task: Task): Task {
  const { level, features, list, start, end } = task;
  const rows = end - start;
  const inner = findLevel(levels, level, rows, features);
  if (inner === level) return task;
  const { block } = levels[inner]!;
  narrowBlock(levels[level]!.block, block, features, list, start, end);
  // The order that lists the rows: that of all rows, or that of any feature which the node's parent varied in.
  const isListed = block.orders.length > block.ranks.length;
  const into = isListed ? block.ranks.length : list < block.ranks.length ? list : features[0]!;
  return makeTask({ ...task, level: inner, list: into }, task.node, 0, rows, null);
}
