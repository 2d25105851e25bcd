import type { Block, Targets } from './block.ts';
import type { Counter, Moments } from './counter.ts';
import type { GrownTree } from './grown-tree.ts';

/** The best cut of a node. A criterion has one object, and fills it for each node. */
export interface Split {
  feature: number;
  /**
   * The position of the cut: how many rows, in the order of the feature, go left; if the feature is coded, how many
   * codes.
   */
  cut: number;
  /** The number of rows that go left. */
  left: number;
  /** The last row on the left and the first on the right, numbered as in the columns. */
  below: number;
  above: number;
  /** The gain that ml-cart writes, in its arithmetic. */
  gain: number;
  /** The drop of the node's impurity; 0 or less when the split does not help. */
  drop: number;
  leftIsPure: boolean;
  rightIsPure: boolean;
  /** What the criterion has summed of each side; null if nothing. */
  leftMoments: Moments | null;
  rightMoments: Moments | null;
  /** Whether the block's `side` marks already which rows go right. */
  isMarked: boolean;
}

export function newSplit(): Split {
  // Numbers with a fraction, so that the engine stores these fields as floats from the start.
  return {
    feature: 0,
    cut: 0,
    left: 0,
    below: 0,
    above: 0,
    gain: 0.5,
    drop: 0.5,
    leftIsPure: false,
    rightIsPure: false,
    leftMoments: null,
    rightMoments: null,
    isMarked: false,
  };
}

/**
 * Measures the cuts of a tree: Gini for classes, squared error for numbers. A node is the range of a block from
 * `start` to `end`. Its visit calls `enter`, then `scan` for each feature, then `best`. `best` returns the first of
 * the best cuts, by feature and then by row. The order and the threads of the scans do not change it.
 */
export interface Criterion<T extends Targets> {
  /** Measures the cuts of coded features. */
  readonly counter: Counter<T>;
  /** Whether each node needs a list of its rows by number, because sums of floats depend on their order. */
  readonly listed: boolean;
  /**
   * Counts the rows of a node.
   * @param order lists the rows
   * @param known the moments of the targets, if the split above the node has summed them
   * @returns whether all rows have one target, so that no split helps
   */
  enter(
    block: Block<T>,
    order: Int32Array,
    start: number,
    end: number,
    known?: Moments | null,
  ): boolean;
  /** Tries, from its rows, every cut between two values of a feature that leaves at least `minLeaf` rows on each side. */
  scan(block: Block<T>, feature: number, start: number, end: number, minLeaf: number): void;
  /** The best score of the cuts tried since `enter` or `aim`; 0 when there was none. */
  readonly score: number;
  /** The one cut of that score, as {@link Split.cut}; 0 when there is no cut, or several tie. */
  readonly lone: number;
  /** Whether more cuts tied than are kept. Then all are tried again after `aim` with the best score. */
  readonly isCrowded: boolean;
  /**
   * Forgets the cuts, and keeps the counts of the node.
   * @param score the best score of the node; 0 if it is not known
   * @returns the least score of a cut that may be added from now on
   */
  aim(score: number): number;
  /** Adds a cut that was measured before. */
  take(feature: number, cut: number, score: number): void;
  /** The best of the cuts tried since `enter`, the first among equals; null when there was none. */
  best(block: Block<T>, start: number, end: number): Split | null;
  /** The {@link Split.gain} of the cut of a node with two rows of different targets. */
  readonly gainOfPair: number;
  /** Returns the {@link Split.drop} of that cut, as a visit of the node would find it. */
  dropOfPair(block: Block<T>, left: number, right: number): number;
  /** Makes a node a leaf with one row. */
  setSingle(tree: GrownTree, node: number, block: Block<T>, row: number): void;
  /** Makes a node a leaf with the rows that were entered last. */
  setLeaf(tree: GrownTree, node: number): void;
}
