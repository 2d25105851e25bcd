import type { Block } from './block.ts';
import { CodeSorter } from './codes.ts';
import { type Criterion, type Split, newSplit } from './criterion.ts';
import { markCut, placeCut } from './cut.ts';
import type { Moments } from './counter.ts';
import type { GrownTree } from './grown-tree.ts';
import { NO_DROP, NumberCounter } from './number-counter.ts';
import { TiedCuts } from './tied-cuts.ts';

/**
 * Squared error about the mean (Breiman et al. 1984, §8.3). With deviations from the node's mean, a cut of
 * n rows into l and r where the left deviations sum to s lowers the squared error by s²·n / (l·r), which
 * takes one running sum. Such sums depend on their sequence in the last digits, so cuts that tie to within
 * rounding are measured again in ml-cart's arithmetic, over rows in ascending order of target: the same
 * rows on either side give the same float for every feature that parts them, and the first feature wins.
 */
export class SquaredError implements Criterion<Float64Array> {
  readonly listed = true;
  readonly gainOfPair = 0;
  readonly counter: NumberCounter;
  /** By row, the deviations from the mean of the node, if they are written. */
  readonly #deviations: Float64Array;
  #isWritten = false;
  readonly #ties = new TiedCuts();
  readonly #split = newSplit();
  readonly #tied = newSplit();
  /** Scratch: of the left side and the right side of a cut, the mean and the squares. */
  readonly #moments = new Float64Array(4);
  #rows = 0;
  #mean = 0;
  #variance = 0;
  /** Scratch for sorting by code. */
  #sorter: CodeSorter | null = null;

  /**
   * @param rows of the largest block
   * @param minDrop the drop of the variance that a split must exceed
   */
  constructor(rows: number, minDrop: number) {
    this.#deviations = new Float64Array(rows);
    this.counter = new NumberCounter(minDrop);
  }

  enter(
    { targets }: Block<Float64Array>,
    order: Int32Array,
    start: number,
    end: number,
    known: Moments | null = null,
  ): boolean {
    this.#ties.clear(0);
    this.#rows = end - start;
    this.#mean = known?.mean ?? meanOf(targets, order, start, end);
    // If the moments are known, the deviations are written only when a cut is scanned.
    this.#isWritten = known === null;
    const squares =
      known?.squares ?? deviate(targets, order, start, end, this.#mean, this.#deviations);
    this.#variance = squares / (end - start);
    this.counter.enter(this.#rows, this.#mean, this.#variance);
    // Rows are numbered by target.
    return targets[order[start]!] === targets[order[end - 1]!];
  }

  scan(
    block: Block<Float64Array>,
    feature: number,
    start: number,
    end: number,
    minLeaf: number,
  ): void {
    // Two rows can be separated in only one way.
    if (end - start === 2 && this.#ties.size > 0) return;
    if (!this.#isWritten) {
      deviate(block.targets, block.orders.at(-1)!, start, end, this.#mean, this.#deviations);
      this.#isWritten = true;
    }
    const codes = block.codes[feature]!;
    if (codes !== null) {
      this.#scanCoded(block, codes, feature, start, end, minLeaf);
      return;
    }
    scan(
      feature,
      block.orders[feature]!,
      block.ranks[feature]!,
      this.#deviations,
      start,
      end,
      minLeaf,
      this.#ties,
    );
  }

  #scanCoded(
    { orders, values, spare }: Block<Float64Array>,
    codes: Uint16Array,
    feature: number,
    start: number,
    end: number,
    minLeaf: number,
  ): void {
    const list = orders.at(-1)!;
    this.#sorter ??= new CodeSorter(this.#deviations.length);
    this.#sorter.sort(codes, list, start, end, values[feature]!, spare);
    scanCoded(feature, spare, codes, list, this.#deviations, start, end, minLeaf, this.#ties);
  }

  get score(): number {
    return this.#ties.bounds[0]!;
  }

  get lone(): number {
    return this.#ties.size === 1 ? this.#ties.cuts[0]! : 0;
  }

  get isCrowded(): boolean {
    return this.#ties.isCrowded;
  }

  aim(score: number): number {
    return this.#ties.clear(score);
  }

  take(feature: number, cut: number, score: number): void {
    if (score >= this.#ties.bounds[1]!) this.#ties.offer(feature, cut, score);
  }

  best(block: Block<Float64Array>, start: number, end: number): Split | null {
    const { orders, targets, side } = block;
    const { size, bounds, features, cuts, scores } = this.#ties;
    const list = orders.at(-1)!;
    const split = this.#split;
    const tied = this.#tied;
    split.gain = Infinity;
    split.leftMoments = null;
    split.rightMoments = null;
    for (let i = 0; i < size; i++) {
      if (scores[i]! < bounds[1]!) continue;
      tied.feature = features[i]!;
      tied.cut = cuts[i]!;
      placeCut(block, start, end, tied);
      if (!tied.isMarked) markCut(block, start, end, tied.feature, tied.cut);
      const moments = this.#moments;
      const error = errorOfSplit(targets, list, start, end, tied.left, side, moments);
      if (!(error < split.gain)) continue;
      split.feature = tied.feature;
      split.cut = tied.cut;
      split.left = tied.left;
      split.below = tied.below;
      split.above = tied.above;
      split.gain = error;
      split.drop = scores[i]! > NO_DROP * this.#variance ? scores[i]! : 0;
      // Only the children of counted nodes use these.
      split.leftMoments = tied.isMarked ? { mean: moments[0]!, squares: moments[1]! } : null;
      split.rightMoments = tied.isMarked ? { mean: moments[2]!, squares: moments[3]! } : null;
      split.leftIsPure = isPure(targets, list, start, end, side, 0);
      split.rightIsPure = isPure(targets, list, start, end, side, 1);
    }
    split.isMarked = size === 1;
    return size === 0 ? null : split;
  }

  dropOfPair({ targets }: Block<Float64Array>, left: number, right: number): number {
    // Sums of two do not depend on their sequence.
    const mean = (targets[left]! + targets[right]!) / 2;
    const [ofLeft, ofRight] = [targets[left]! - mean, targets[right]! - mean];
    const score = ofLeft * ofLeft;
    const variance = (score + ofRight * ofRight) / 2;
    return score > NO_DROP * variance ? score : 0;
  }

  setSingle(tree: GrownTree, node: number, { targets }: Block<Float64Array>, row: number): void {
    // Adding 0 turns -0 into 0, as a sum does.
    tree.setMean(node, targets[row]! + 0, 1);
  }

  setLeaf(tree: GrownTree, node: number): void {
    tree.setMean(node, this.#mean, this.#rows);
  }
}

/** The hot loop. It offers every cut whose score is the best so far, or differs from it only by rounding. */
function scan(
  feature: number,
  order: Int32Array,
  rank: Int32Array | null,
  deviations: Float64Array,
  start: number,
  end: number,
  minLeaf: number,
  ties: TiedCuts,
): void {
  let sum = 0;
  let inLeft = 0;
  let inRight = end - start;
  let least = ties.bounds[1]!;
  const first = start + minLeaf - 1;
  const last = end - minLeaf;
  for (let i = start; i < last; i++) {
    const row = order[i]!;
    sum += deviations[row]!;
    inLeft++;
    inRight--;
    const above = sum * sum;
    const below = inLeft * inRight;
    // Few cuts pass, so whether two values are equal is rarely asked: the processor could not predict the answer.
    if (!(above >= least * below)) continue;
    if (i < first || (rank !== null && rank[row] === rank[order[i + 1]!])) continue;
    ties.offer(feature, inLeft, above / below);
    least = ties.bounds[1]!;
  }
}

/** Like `scan`, for rows that a {@link CodeSorter} has sorted: `order` has places in the list. */
function scanCoded(
  feature: number,
  order: Int32Array,
  codes: Uint16Array,
  list: Int32Array,
  deviations: Float64Array,
  start: number,
  end: number,
  minLeaf: number,
  ties: TiedCuts,
): void {
  let sum = 0;
  let inLeft = 0;
  let inRight = end - start;
  let least = ties.bounds[1]!;
  const last = inRight - minLeaf;
  let next = list[start + order[0]!]!;
  for (let i = 0; i < last; i++) {
    const row = next;
    next = list[start + order[i + 1]!]!;
    sum += deviations[row]!;
    inLeft++;
    inRight--;
    const above = sum * sum;
    const below = inLeft * inRight;
    if (!(above >= least * below)) continue;
    const code = codes[row]!;
    if (inLeft < minLeaf || code === codes[next]) continue;
    ties.offer(feature, code + 1, above / below);
    least = ties.bounds[1]!;
  }
}

function meanOf(targets: Float64Array, order: Int32Array, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += targets[order[i]!]!;
  return sum / (end - start);
}

/** Writes each row's deviation from the mean; returns the sum of their squares. */
function deviate(
  targets: Float64Array,
  order: Int32Array,
  start: number,
  end: number,
  mean: number,
  deviations: Float64Array,
): number {
  let squares = 0;
  for (let i = start; i < end; i++) {
    const row = order[i]!;
    const deviation = targets[row]! - mean;
    deviations[row] = deviation;
    squares += deviation * deviation;
  }
  return squares;
}

/** Whether all rows on one side have one target; the list ascends by target. */
function isPure(
  targets: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
  side: Uint8Array,
  on: 0 | 1,
): boolean {
  let first = start;
  let last = end - 1;
  while (side[list[first]!] !== on) first++;
  while (side[list[last]!] !== on) last--;
  return targets[list[first]!] === targets[list[last]!];
}

/**
 * ml-cart's arithmetic for numbers, operation by operation: the squared errors of both sides about their
 * means, summed over the rows as they are listed. What it calls the gain of a regression split is this.
 * @param left how many rows go left
 * @param side 1 for a row that goes right
 * @param moments receives the mean and the squares of the left side, then those of the right side: the same numbers as
 * `enter` computes for the children
 */
function errorOfSplit(
  targets: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
  left: number,
  side: Uint8Array,
  moments: Float64Array,
): number {
  let leftMean = 0;
  let rightMean = 0;
  // A product with 0 or 1 and a sum with 0 are exact, and spare a branch the processor could not guess.
  for (let i = start; i < end; i++) {
    const row = list[i]!;
    const goesRight = side[row]!;
    leftMean += targets[row]! * (1 - goesRight);
    rightMean += targets[row]! * goesRight;
  }
  leftMean /= left;
  rightMean /= end - start - left;
  moments[0] = leftMean;
  moments[2] = rightMean;
  return sumSquares(targets, list, start, end, leftMean, rightMean, side, moments);
}

function sumSquares(
  targets: Float64Array,
  list: Int32Array,
  start: number,
  end: number,
  leftMean: number,
  rightMean: number,
  side: Uint8Array,
  moments: Float64Array,
): number {
  let left = 0;
  let right = 0;
  for (let i = start; i < end; i++) {
    const row = list[i]!;
    const goesRight = side[row]!;
    const target = targets[row]!;
    left += (target - leftMean) * (target - leftMean) * (1 - goesRight);
    right += (target - rightMean) * (target - rightMean) * goesRight;
  }
  moments[1] = left;
  moments[3] = right;
  return right + left;
}
