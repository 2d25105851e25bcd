import type { Block } from './block.ts';
import { ClassCounts, giniGain, sharesOf } from './class-counts.ts';
import { ClassCounter, NEARLY } from './class-counter.ts';
import { type Criterion, newSplit, type Split } from './criterion.ts';
import { placeCut } from './cut.ts';
import type { GrownTree } from './grown-tree.ts';
import type { ClassIndexes } from '../train-rows.ts';

/**
 * Gini impurity of class shares (Breiman, Friedman, Olshen and Stone, "Classification and Regression
 * Trees", 1984, §4.3). A cut of n rows into l and r, with squares L and R of class counts summed on either
 * side, leaves the least impurity where L/l + R/r is greatest. That is compared as (L·r + R·l) / (l·r):
 * whole numbers, exact in float64 up to 208 000 rows, so that equal gains are equal floats however they
 * come about, and the first feature and the lowest threshold win.
 */
export class Gini implements Criterion<ClassIndexes> {
  readonly listed = false;
  // One cut is enough, because equal scores are equal floats.
  readonly isCrowded = false;
  // ml-cart's arithmetic is exact for halves and wholes.
  readonly gainOfPair = 0.5;
  readonly counter: ClassCounter;
  readonly #all: ClassCounts;
  readonly #left: Float64Array;
  readonly #right: Float64Array;
  /** The score of the best cut. Its feature and its number of rows on the left follow below. */
  readonly #score = new Float64Array(1);
  readonly #split = newSplit();
  #feature = -1;
  #cut = 0;

  constructor(classes: number) {
    this.#all = new ClassCounts(classes);
    this.counter = new ClassCounter(this.#all);
    this.#left = new Float64Array(classes);
    this.#right = new Float64Array(classes);
  }

  enter({ targets }: Block<ClassIndexes>, order: Int32Array, start: number, end: number): boolean {
    this.aim(0);
    this.#all.count(targets, order, start, end);
    return this.#all.kinds === 1;
  }

  scan(
    { orders, ranks, targets }: Block<ClassIndexes>,
    feature: number,
    start: number,
    end: number,
    minLeaf: number,
  ): void {
    const { twice, squares } = this.#all;
    this.#all.clear(this.#left);
    const cut = scan(
      orders[feature]!,
      ranks[feature]!,
      targets,
      twice,
      this.#left,
      start,
      end,
      minLeaf,
      squares,
      this.#score,
    );
    if (cut === 0) return;
    this.#feature = feature;
    this.#cut = cut;
  }

  get score(): number {
    return this.#score[0]!;
  }

  get lone(): number {
    return this.#feature < 0 ? 0 : this.#cut;
  }

  aim(score: number): number {
    this.#score[0] = 0;
    this.#feature = -1;
    return score;
  }

  take(feature: number, cut: number, score: number): void {
    if (!(score > this.#score[0]!)) return;
    this.#score[0] = score;
    this.#feature = feature;
    this.#cut = cut;
  }

  best(block: Block<ClassIndexes>, start: number, end: number): Split | null {
    if (this.#feature < 0) return null;
    const all = this.#all;
    const split = this.#split;
    split.feature = this.#feature;
    split.cut = this.#cut;
    placeCut(block, start, end, split);
    const { left } = split;
    all.clear(this.#left);
    if (split.isMarked) addMarked(this.#left, block, start, end);
    else add(this.#left, block.targets, block.orders[split.feature]!, start, start + left);
    all.subtract(this.#left, this.#right);
    split.gain = giniGain(all, this.#right, all.rows - left, this.#left, left);
    split.drop = (this.#score[0]! - all.squares / all.rows) / all.rows;
    split.leftIsPure = all.hasOne(this.#left);
    split.rightIsPure = all.hasOne(this.#right);
    return split;
  }

  dropOfPair(): number {
    return 0.5;
  }

  setSingle(tree: GrownTree, node: number, { targets }: Block<ClassIndexes>, row: number): void {
    tree.setClass(node, targets[row]!, 1);
  }

  setLeaf(tree: GrownTree, node: number): void {
    const all = this.#all;
    if (all.kinds === 1) tree.setClass(node, all.first(), all.rows);
    else tree.setShares(node, sharesOf(all));
  }
}

/**
 * The hot loop of training. Counts are float64, because their products are float64. A cut is first compared without
 * a division. The division follows only if the cut may be the best.
 * @param twice twice the count of each class in the node
 * @param left a count of 0 for each class in the node; it is changed
 * @param squares the sum of the squared class counts of the node
 * @param score the best score so far; it is replaced by a better one
 * @returns the number of rows that the best cut sends left, 0 when no cut beats the score
 */
function scan(
  order: Int32Array,
  rank: Int32Array | null,
  labels: ClassIndexes,
  twice: Float64Array,
  left: Float64Array,
  start: number,
  end: number,
  minLeaf: number,
  squares: number,
  score: Float64Array,
): number {
  let leftSquares = 0;
  let rightSquares = squares;
  let inLeft = 0;
  let inRight = end - start;
  let best = score[0]!;
  let nearly = best * NEARLY;
  let at = 0;
  const first = start + minLeaf - 1;
  const last = end - minLeaf;
  for (let i = start; i < last; i++) {
    const row = order[i]!;
    const label = labels[row]!;
    const count = left[label]!;
    left[label] = count + 1;
    const growth = count + count + 1;
    leftSquares += growth;
    rightSquares += growth - twice[label]!;
    inLeft++;
    inRight--;
    const above = leftSquares * inRight + rightSquares * inLeft;
    const below = inLeft * inRight;
    // Few cuts pass, so whether two values are equal is rarely asked: the processor could not predict the answer.
    if (!(above > nearly * below)) continue;
    if (i < first || (rank !== null && rank[row] === rank[order[i + 1]!])) continue;
    if (above / below > best) {
      best = above / below;
      nearly = best * NEARLY;
      at = inLeft;
    }
  }
  score[0] = best;
  return at;
}

function add(
  counts: Float64Array,
  labels: ClassIndexes,
  order: Int32Array,
  start: number,
  end: number,
): void {
  for (let i = start; i < end; i++) counts[labels[order[i]!]!]!++;
}

/** Counts the rows that go left by class. */
function addMarked(
  counts: Float64Array,
  { orders, targets, side }: Block<ClassIndexes>,
  start: number,
  end: number,
): void {
  const list = orders.at(-1)!;
  for (let i = start; i < end; i++) {
    const row = list[i]!;
    counts[targets[row]!]! += 1 - side[row]!;
  }
}
