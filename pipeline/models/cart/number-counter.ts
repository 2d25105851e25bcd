import type { Block } from './block.ts';
import {
  type Counter,
  type Found,
  type ValueCounts,
  makeFound,
  subtractCounts,
} from './counter.ts';

/** A drop of the variance below this share of it is rounding, not gain. */
export const NO_DROP = 1e-12;
/** Scores whose relative difference is larger never tie. It is more than the limit of `TiedCuts`. */
const APART = 2e-9;
/** The rounding of one operation on float64, relative to its result. */
const UNIT = 2 ** -53;

/**
 * Counts rows and sums targets by value. These sums are in another order than those of a scan, so they may differ by
 * rounding. So a score is known only between two bounds, and the scan's score lies between them too.
 */
export class NumberCounter implements Counter<Float64Array> {
  readonly isExact = false;
  readonly found = makeFound();
  // A count and a sum.
  readonly width = 2;
  readonly #minDrop: number;
  #rows = 0;
  #mean = 0;
  #variance = 0;
  /**
   * The mean of all targets. It is subtracted from the targets before they are summed, so that the sums are small.
   */
  #shift = Number.NaN;
  /** The targets of the loaded rows, less that number. */
  #shifted = new Float64Array(0);

  /** @param minDrop the drop of the variance that a split must exceed */
  constructor(minDrop: number) {
    this.#minDrop = minDrop;
  }

  /** Stores what the criterion knows of the node that it entered. */
  enter(rows: number, mean: number, variance: number): void {
    this.#rows = rows;
    this.#mean = mean;
    this.#variance = variance;
  }

  makeCounts(values: number): ValueCounts {
    const counts = new Int32Array(values);
    const sums = new Float64Array(values);
    return { counts, sums, error: 0.5, magnitude: 0.5, moments: null };
  }

  load(
    { orders, targets, rows }: Block<Float64Array>,
    start: number,
    end: number,
    into: ValueCounts,
  ): void {
    if (Number.isNaN(this.#shift)) this.#shift = meanOf(targets, rows);
    if (this.#shifted.length < rows) this.#shifted = new Float64Array(rows);
    into.magnitude = shift(targets, orders.at(-1)!, start, end, this.#shift, this.#shifted);
    into.error = boundRounding(end - start, into.magnitude);
  }

  count(
    { counts, sums }: ValueCounts,
    at: number,
    values: number,
    codes: Uint16Array,
    list: Int32Array,
    start: number,
    end: number,
  ): void {
    counts.fill(0, at, at + values);
    sums.fill(0, at, at + values);
    countNumbers(counts, sums, at, codes, this.#shifted, list, start, end);
  }

  subtract(from: ValueCounts, other: ValueCounts, at: number, values: number): void {
    subtractCounts(from.counts, other.counts, at, at + values);
    subtractSums(from.sums, other.sums, at, at + values);
  }

  measure(
    { counts, sums, error, magnitude }: ValueCounts,
    at: number,
    values: number,
    minLeaf: number,
  ): void {
    const rows = this.#rows;
    const mean = this.#mean - this.#shift;
    // The sum of the absolute deviations is at most this, by the inequality of Cauchy and Schwarz.
    const spread = rows * Math.sqrt(this.#variance);
    const ofScan = boundRounding(rows, spread);
    const ofSums = error + boundRounding(values, magnitude + rows * Math.abs(mean));
    const both = ofScan + ofSums;
    measureNumbers(counts, sums, at, values, mean, both, rows, minLeaf, this.found);
  }

  leastTie(score: number): number {
    return score * (1 - APART);
  }

  isSure(score: number): boolean {
    return this.leastTie(score) > Math.max(NO_DROP * this.#variance, this.#minDrop);
  }
}

/**
 * Returns a bound of the rounding in a sum, or in several sums together, over so many terms, in any order. It is
 * twice Higham's bound (Accuracy and Stability of Numerical Algorithms, 2002, §4.2), and allows for a few operations
 * on the terms and the sums.
 * @param magnitude the sum of the absolute terms
 */
function boundRounding(terms: number, magnitude: number): number {
  return 2 * (terms + 8) * UNIT * magnitude;
}

function meanOf(targets: Float64Array, rows: number): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += targets[row]!;
  return sum / rows;
}

/** Writes targets less a number, in the order of the list. Returns the sum of their absolute values. */
function shift(
  targets: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
  by: number,
  into: Float64Array,
): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    const shifted = targets[list[i]!]! - by;
    into[i - start] = shifted;
    sum += Math.abs(shifted);
  }
  return sum;
}

function subtractSums(from: Float64Array, other: Float64Array, start: number, end: number): void {
  for (let i = start; i < end; i++) from[i]! -= other[i]!;
}

/** Counts rows and sums targets by value. `shifted` are the targets of the rows from `start` on, less a number. */
function countNumbers(
  counts: Int32Array,
  sums: Float64Array,
  at: number,
  codes: Uint16Array,
  shifted: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
): void {
  let i = start;
  // Four rows per round: the engine's checks of a round take longer than counting one row.
  for (; i + 3 < end; i += 4) {
    const from = i - start;
    const one = at + codes[list[i]!]!;
    const two = at + codes[list[i + 1]!]!;
    const three = at + codes[list[i + 2]!]!;
    const four = at + codes[list[i + 3]!]!;
    counts[one]!++;
    sums[one]! += shifted[from]!;
    counts[two]!++;
    sums[two]! += shifted[from + 1]!;
    counts[three]!++;
    sums[three]! += shifted[from + 2]!;
    counts[four]!++;
    sums[four]! += shifted[from + 3]!;
  }
  for (; i < end; i++) {
    const cell = at + codes[list[i]!]!;
    counts[cell]!++;
    sums[cell]! += shifted[i - start]!;
  }
}

/**
 * Measures every cut between two values, between bounds: a sum is known to within `error`.
 * @param mean the node's mean, less the number by which targets are shifted
 * @param rows of the node
 */
function measureNumbers(
  counts: Int32Array,
  sums: Float64Array,
  at: number,
  values: number,
  mean: number,
  error: number,
  rows: number,
  minLeaf: number,
  found: Found,
): void {
  const most = rows - minLeaf;
  let sum = 0;
  let inLeft = 0;
  let low = -1;
  let high = -1;
  // The highest bound of the cuts that are not the best.
  let second = -1;
  let cut = 0;
  for (let value = 0; value < values; value++) {
    const here = counts[at + value]!;
    if (here === 0) continue;
    inLeft += here;
    sum += sums[at + value]!;
    if (inLeft > most) break;
    if (inLeft < minLeaf) continue;
    const below = inLeft * (rows - inLeft);
    const deviation = Math.abs(sum - inLeft * mean);
    const greatest = deviation + error;
    const upper = (greatest * greatest) / below;
    const least = deviation > error ? deviation - error : 0;
    const lower = (least * least) / below;
    if (lower > low) {
      if (high > second) second = high;
      low = lower;
      high = upper;
      cut = value + 1;
    } else if (upper > second) second = upper;
  }
  found.cut = second < low * (1 - APART) ? cut : 0;
  found.low = low;
  found.high = high > second ? high : second;
}
