import type { ClassIndexes } from '../train-rows.ts';
import type { Block } from './block.ts';
import type { ClassCounts } from './class-counts.ts';
import {
  type Counter,
  type Found,
  type ValueCounts,
  makeFound,
  subtractCounts,
} from './counter.ts';

const NO_SUMS = new Float64Array(0);

/** Counts rows by value and class. For each value of a feature there is one count for each class. */
export class ClassCounter implements Counter<ClassIndexes> {
  readonly isExact = true;
  readonly found = makeFound();
  readonly width: number;
  readonly #node: ClassCounts;
  /** Scratch for the left side of a cut, by class. */
  readonly #left: Float64Array;
  /** The classes of the loaded rows. */
  #labels: ClassIndexes = new Uint8Array(0);

  /** @param node the counts of the node that the criterion entered last */
  constructor(node: ClassCounts) {
    this.width = node.counts.length;
    this.#node = node;
    this.#left = new Float64Array(this.width);
  }

  makeCounts(values: number): ValueCounts {
    const counts = new Int32Array(values * this.width);
    return { counts, sums: NO_SUMS, error: 0, magnitude: 0, moments: null };
  }

  load({ orders, targets, rows }: Block<ClassIndexes>, start: number, end: number): void {
    if (this.#labels.length < rows) this.#labels = targets.slice(0, rows);
    copyLabels(targets, orders.at(-1)!, start, end, this.#labels);
  }

  count(
    { counts }: ValueCounts,
    at: number,
    values: number,
    codes: Uint16Array,
    list: Int32Array,
    start: number,
    end: number,
  ): void {
    const { width } = this;
    counts.fill(0, at * width, (at + values) * width);
    countClasses(counts, at * width, width, codes, this.#labels, list, start, end);
  }

  subtract(from: ValueCounts, other: ValueCounts, at: number, values: number): void {
    const { width } = this;
    subtractCounts(from.counts, other.counts, at * width, (at + values) * width);
  }

  measure({ counts }: ValueCounts, at: number, values: number, minLeaf: number): void {
    const { twice, squares, rows } = this.#node;
    const from = at * this.width;
    this.#node.clear(this.#left);
    measureClasses(counts, from, values, twice, this.#left, squares, rows, minLeaf, this.found);
  }

  leastTie(score: number): number {
    return score;
  }

  isSure(): boolean {
    return true;
  }
}

/** Below 1 by more than the rounding of a product and a quotient. */
export const NEARLY = 1 - 1e-15;

function copyLabels(
  labels: ClassIndexes,
  list: Int32Array,
  start: number,
  end: number,
  into: ClassIndexes,
): void {
  for (let i = start; i < end; i++) into[i - start] = labels[list[i]!]!;
}

/** Counts rows by value and class. `labels` are those of the rows from `start` on. */
function countClasses(
  counts: Int32Array,
  at: number,
  classes: number,
  codes: Uint16Array,
  labels: ClassIndexes,
  list: Int32Array,
  start: number,
  end: number,
): void {
  let i = start;
  // Four rows per round: the engine's checks of a round take longer than counting one row.
  for (; i + 3 < end; i += 4) {
    const from = i - start;
    const one = at + codes[list[i]!]! * classes + labels[from]!;
    const two = at + codes[list[i + 1]!]! * classes + labels[from + 1]!;
    const three = at + codes[list[i + 2]!]! * classes + labels[from + 2]!;
    const four = at + codes[list[i + 3]!]! * classes + labels[from + 3]!;
    counts[one]!++;
    counts[two]!++;
    counts[three]!++;
    counts[four]!++;
  }
  for (; i < end; i++) counts[at + codes[list[i]!]! * classes + labels[i - start]!]!++;
}

/**
 * Measures every cut between two values, in the arithmetic of `scan` in gini.ts: a value's rows of a class change the
 * sums of squares at once as they would one after another, because these are whole numbers.
 * @param twice twice the count of each class in the node
 * @param left a count of 0 for each class; it is changed
 * @param squares the sum of the squared class counts of the node
 * @param rows of the node
 */
function measureClasses(
  counts: Int32Array,
  at: number,
  values: number,
  twice: Float64Array,
  left: Float64Array,
  squares: number,
  rows: number,
  minLeaf: number,
  found: Found,
): void {
  const classes = twice.length;
  const most = rows - minLeaf;
  let leftSquares = 0;
  let rightSquares = squares;
  let inLeft = 0;
  let best = 0;
  let nearly = 0;
  let cut = 0;
  let cell = at;
  for (let value = 1; value <= values; value++) {
    let here = 0;
    for (let label = 0; label < classes; label++) {
      const count = counts[cell++]!;
      if (count === 0) continue;
      const before = left[label]!;
      left[label] = before + count;
      const growth = count * (before + before + count);
      leftSquares += growth;
      rightSquares += growth - count * twice[label]!;
      here += count;
    }
    if (here === 0) continue;
    inLeft += here;
    if (inLeft > most) break;
    if (inLeft < minLeaf) continue;
    const inRight = rows - inLeft;
    const above = leftSquares * inRight + rightSquares * inLeft;
    const below = inLeft * inRight;
    if (above > nearly * below && above / below > best) {
      best = above / below;
      nearly = best * NEARLY;
      cut = value;
    }
  }
  found.cut = cut;
  found.low = cut === 0 ? -1 : best;
  found.high = found.low;
}
