import type { Block, Targets } from './block.ts';

/**
 * What is known of a node's rows by value, for each coded feature: the counts of the classes, or the counts and sums
 * of the targets. Its memory is used again for other nodes.
 */
export interface ValueCounts {
  readonly counts: Int32Array;
  /** Empty for classes. */
  readonly sums: Float64Array;
  /** A bound of the rounding in all sums of a feature together. */
  error: number;
  /** The sum of the absolute values that were summed. */
  magnitude: number;
  /** What the split above the node has summed already; null if nothing. */
  moments: Moments | null;
}

/** The targets of a node, if they are numbers, in the arithmetic of the criterion. */
export interface Moments {
  readonly mean: number;
  /** The sum of the squared deviations from the mean. */
  readonly squares: number;
}

/** The best score of the cuts of one coded feature in a node. The same object is filled for each feature. */
export interface Found {
  /** Bounds of the best score; -1 when there is no cut. */
  low: number;
  high: number;
  /** The one cut that may have it, as in a split; 0 when there is none, or several may. */
  cut: number;
}

export function makeFound(): Found {
  return { low: 0.5, high: 0.5, cut: 0 };
}

/** Subtracts some counts of other rows. */
export function subtractCounts(
  from: Int32Array,
  other: Int32Array,
  start: number,
  end: number,
): void {
  for (let i = start; i < end; i++) from[i]! -= other[i]!;
}

/** Counts the rows of nodes by the values of coded features, and measures cuts by these counts. */
export interface Counter<T extends Targets = Targets> {
  /** The number of counts per value. */
  readonly width: number;
  /** What `measure` found. */
  readonly found: Found;
  /** Makes memory for so many values. */
  makeCounts(values: number): ValueCounts;
  /** Reads the targets of a node's rows, before `count`. */
  load(block: Block<T>, start: number, end: number, into: ValueCounts): void;
  /** Counts the loaded rows by a feature with so many values, whose counts start at value `at`. */
  count(
    into: ValueCounts,
    at: number,
    values: number,
    codes: Uint16Array,
    list: Int32Array,
    start: number,
    end: number,
  ): void;
  /** Subtracts the counts of some rows from those of more rows. */
  subtract(from: ValueCounts, other: ValueCounts, at: number, values: number): void;
  /** Measures all cuts of a feature in the node that was entered last. */
  measure(counts: ValueCounts, at: number, values: number, minLeaf: number): void;
  /** Whether what it measures is exact. If not, cuts that may tie are scanned. */
  readonly isExact: boolean;
  /** Returns the least score that may tie with a score. */
  leastTie(score: number): number;
  /** Whether a score is high enough to split its node, even with the largest rounding error. */
  isSure(score: number): boolean;
}
