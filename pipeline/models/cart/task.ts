import type { Block } from './block.ts';
import type { Kept } from './partition.ts';
import type { ValueCounts } from './counter.ts';

/** When growth stops. A depth without a limit is Infinity. */
export interface GrowthLimits {
  readonly maxDepth: number;
  /** A node with fewer rows is a leaf. */
  readonly minSplit: number;
  /** A cut leaves at least this many rows on each side. */
  readonly minLeaf: number;
  /** A split must lower the impurity by more than this. */
  readonly minDrop: number;
}

/** A node that is not grown yet: a range of the orders of a block. */
export interface Task {
  /** Its number in the tree. */
  readonly node: number;
  /** The index of its block. */
  readonly level: number;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  /** Features that varied in the parent, whose orders are sorted within this node. */
  readonly features: readonly number[];
  /** The order whose range lists this node's rows. */
  readonly list: number;
  /** The counts of this node's rows by value; null if it is not counted yet, or its block has no coded features. */
  readonly counts: ValueCounts | null;
}

/** The fields that the children of a node share. */
export type Place = Pick<Task, 'level' | 'depth' | 'features' | 'list'>;

/** Makes a task. All tasks come from one literal, because the engine optimises objects that come from one place. */
export function makeTask(
  { level, depth, features, list }: Place,
  node: number,
  start: number,
  end: number,
  counts: ValueCounts | null,
): Task {
  return { node, level, start, end, depth, features, list, counts };
}

/** Makes the task of the root. */
export function makeRootTask(node: number, { rows, orders, ranks }: Block): Task {
  const features = ranks.map((_, feature) => feature);
  // The last order: the list of rows, or the order of any feature.
  return makeTask({ level: 0, depth: 0, features, list: orders.length - 1 }, node, 0, rows, null);
}

/** Threads that search and part one large node together. Each thread works on some features. */
export interface Team {
  /**
   * Tries every cut of a node. Afterwards the criterion is the same as after one thread tried all cuts in order.
   * @returns the features that may split the nodes below
   */
  search(task: Task, features: readonly number[]): readonly number[];
  /**
   * Parts a node's order of each feature. Its rows must be marked.
   * @param done a feature whose order is parted already
   */
  part(task: Task, features: readonly number[], done: number, kept: Kept): void;
}
