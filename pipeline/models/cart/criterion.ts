import type { Block, Targets } from './block.ts';
import type { GrownTree } from './grown-tree.ts';

/** The best cut of a node. A criterion has one object, and fills it for each node. */
export interface Split {
  feature: number;
  /** How many rows, in the order of the feature, go left. */
  left: number;
  /** What ml-cart writes as the gain, in its own arithmetic. */
  gain: number;
  /** By how much the impurity of the node's rows drops; not above 0 when the split does not help. */
  drop: number;
  leftIsPure: boolean;
  rightIsPure: boolean;
  /** Whether the block's `side` says already which rows go right. */
  isMarked: boolean;
}

export function newSplit(): Split {
  // Numbers with a fraction, so that the engine keeps room for such from the start.
  return {
    feature: 0,
    left: 0,
    gain: 0.5,
    drop: 0.5,
    leftIsPure: false,
    rightIsPure: false,
    isMarked: false,
  };
}

/**
 * What a tree is grown by: gini for classes, squared error for numbers. A node, the range of a block from
 * `start` to `end`, is visited by `enter`, then a `scan` of each feature in turn, then `best`. What `best`
 * finds is the first of the best cuts by feature and by row, in whatever sequence and thread they were tried.
 */
export interface Criterion<T extends Targets> {
  /** Whether each node needs its rows listed by number, because sums of floats depend on their sequence. */
  readonly listed: boolean;
  /**
   * Counts the rows of a node.
   * @param order lists them
   * @returns whether all have one target, so that no split can help
   */
  enter(block: Block<T>, order: Int32Array, start: number, end: number): boolean;
  /** Tries every cut between two values of a feature that leaves at least `minLeaf` rows on either side. */
  scan(block: Block<T>, feature: number, start: number, end: number, minLeaf: number): void;
  /** The best score of the cuts tried since `enter` or `aim`; 0 when there was none. */
  readonly score: number;
  /** How many rows the one cut of that score sends left; 0 when there was none, or several tie. */
  readonly lone: number;
  /** Whether more cuts tied than are kept: then all must be tried again, aimed at the best score. */
  readonly isCrowded: boolean;
  /**
   * Forgets the cuts tried, though not the node.
   * @param score the best there is, if it is known; 0 if not
   * @returns the least score of a cut to add from now on
   */
  aim(score: number): number;
  /** Adds a cut that another thread tried. */
  take(feature: number, left: number, score: number): void;
  /** The best of the cuts tried since `enter`, the first among equals; null when there was none. */
  best(block: Block<T>, start: number, end: number): Split | null;
  /** What {@link Split.gain} is where a node of two rows of different targets is cut. */
  readonly gainOfPair: number;
  /** The {@link Split.drop} of that cut, as a visit of the node would find it. */
  dropOfPair(block: Block<T>, left: number, right: number): number;
  /** Makes a node a leaf of one row. */
  setSingle(tree: GrownTree, node: number, block: Block<T>, row: number): void;
  /** Makes a node a leaf of the rows last entered. */
  setLeaf(tree: GrownTree, node: number): void;
}
