import type { Kept } from './partition.ts';

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

/** What the children of a node have in common. */
export type Place = Pick<Task, 'level' | 'depth' | 'features' | 'list'>;

/** One literal for all tasks, for speed. */
export function nodeTaskOf(
  { level, depth, features, list }: Place,
  node: number,
  start: number,
  end: number,
): Task {
  return { node, level, start, end, depth, features, list };
}

/** The root. */
export function rootTask(node: number, rows: number, width: number, listed: boolean): Task {
  const features = Array.from({ length: width }, (_, feature) => feature);
  return nodeTaskOf({ level: 0, depth: 0, features, list: listed ? width : 0 }, node, 0, rows);
}

/** Threads that search and part one large node together, each of them some of its features. */
export interface Team {
  /** Tries every cut of a node, and leaves the criterion as if one thread had tried them all in sequence. */
  search(task: Task, features: readonly number[]): void;
  /**
   * Parts a node's order of each feature, once its rows are marked.
   * @param done a feature whose order is parted already
   */
  part(task: Task, features: readonly number[], done: number, kept: Kept): void;
}
