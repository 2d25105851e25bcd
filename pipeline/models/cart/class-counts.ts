import { ascending } from '../../argsort.ts';
import type { ClassIndexes } from '../train-rows.ts';

/**
 * Counts of the classes in a node. A node with fewer rows than there are classes lists its own classes, so that
 * the work depends on its rows and not on thousands of classes.
 */
export class ClassCounts {
  rows = 0;
  /** The number of classes that occur. */
  kinds = 0;
  /** The sum of the squared counts. */
  squares = 0;
  /** By class; 0 for those that do not occur. */
  readonly counts: Float64Array;
  /** Twice the count of each class that occurs. */
  readonly twice: Float64Array;
  /** The first `listed` of these ascend and include every class that occurs. */
  classes: Int32Array;
  listed = 0;
  readonly #every: Int32Array;
  readonly #some: Int32Array;

  constructor(classes: number) {
    this.counts = new Float64Array(classes);
    this.twice = new Float64Array(classes);
    this.#every = ascending(new Int32Array(classes));
    this.#some = new Int32Array(classes);
    this.classes = this.#every;
  }

  count(labels: ClassIndexes, order: Int32Array, start: number, end: number): void {
    this.clear(this.counts);
    this.rows = end - start;
    const isSmall = this.rows < this.counts.length;
    this.classes = isSmall ? this.#some : this.#every;
    this.listed = isSmall
      ? listClasses(this.counts, this.#some, labels, order, start, end)
      : countAll(this.counts, labels, order, start, end);
    this.#sumUp();
  }

  /** Sets the counts of this node's classes to 0. */
  clear(counts: Float64Array): void {
    for (let i = 0; i < this.listed; i++) counts[this.classes[i]!] = 0;
  }

  /** Writes the counts without those of `left` to `right`. */
  subtract(left: Float64Array, right: Float64Array): void {
    for (let i = 0; i < this.listed; i++) {
      const label = this.classes[i]!;
      right[label] = this.counts[label]! - left[label]!;
    }
  }

  /** Whether at most one of this node's classes occurs in `counts`. */
  hasOne(counts: Float64Array): boolean {
    let kinds = 0;
    for (let i = 0; i < this.listed; i++) if (counts[this.classes[i]!]! > 0) kinds++;
    return kinds <= 1;
  }

  /** The first class that occurs. */
  first(): number {
    let i = 0;
    while (this.counts[this.classes[i]!] === 0) i++;
    return this.classes[i]!;
  }

  #sumUp(): void {
    this.kinds = 0;
    this.squares = 0;
    for (let i = 0; i < this.listed; i++) {
      const label = this.classes[i]!;
      const count = this.counts[label]!;
      this.twice[label] = 2 * count;
      this.squares += count * count;
      if (count > 0) this.kinds++;
    }
  }
}

/** Counts rows by class; returns the number of all classes. */
function countAll(
  counts: Float64Array,
  labels: ClassIndexes,
  order: Int32Array,
  start: number,
  end: number,
): number {
  for (let i = start; i < end; i++) counts[labels[order[i]!]!]!++;
  return counts.length;
}

/** Counts rows by class and lists the classes in ascending order. Returns the number of classes. */
function listClasses(
  counts: Float64Array,
  classes: Int32Array,
  labels: ClassIndexes,
  order: Int32Array,
  start: number,
  end: number,
): number {
  let listed = 0;
  for (let i = start; i < end; i++) {
    const label = labels[order[i]!]!;
    if (counts[label] === 0) classes[listed++] = label;
    counts[label]!++;
  }
  sortFirst(classes, listed);
  return listed;
}

/** Sorts the first few numbers in place. */
function sortFirst(numbers: Int32Array, size: number): void {
  if (size > 16) {
    numbers.subarray(0, size).sort();
    return;
  }
  for (let i = 1; i < size; i++) {
    const number = numbers[i]!;
    let at = i;
    while (at > 0 && numbers[at - 1]! > number) numbers[at] = numbers[--at]!;
    numbers[at] = number;
  }
}

/**
 * The functions below repeat ml-cart's arithmetic for classes, so that shares and gains are the same floats as in
 * its JSON. It adds 1/n once for each row, so a share of 3 in 3 may be slightly less than 1. These numbers are
 * only written: no decision uses them.
 */

/** Returns the shares of the classes, up to the last class that occurs. */
export function sharesOf({ counts, classes, listed, rows }: ClassCounts): number[] {
  const shares: number[] = [];
  for (let i = 0; i < listed; i++) {
    const label = classes[i]!;
    if (counts[label] === 0) continue;
    while (shares.length < label) shares.push(0);
    shares.push(share(counts[label]!, rows));
  }
  return shares;
}

/** Returns the drop of the Gini impurity by a split into `right` and `left`. */
export function giniGain(
  all: ClassCounts,
  right: Float64Array,
  inRight: number,
  left: Float64Array,
  inLeft: number,
): number {
  let impurity = 0;
  impurity += (giniImpurity(all, right, inRight) * inRight) / all.rows;
  impurity += (giniImpurity(all, left, inLeft) * inLeft) / all.rows;
  return giniImpurity(all, all.counts, all.rows) - impurity;
}

function giniImpurity(
  { classes, listed }: ClassCounts,
  counts: Float64Array,
  rows: number,
): number {
  let sum = 0;
  for (let i = 0; i < listed; i++) {
    const part = share(counts[classes[i]!]!, rows);
    sum += part * part;
  }
  return 1 - sum;
}

/** Returns the share of a class that all rows have: 1, or slightly less. */
export function pureShare(rows: number): number {
  return share(rows, rows);
}

function share(count: number, rows: number): number {
  const one = 1 / rows;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += one;
  return sum;
}
