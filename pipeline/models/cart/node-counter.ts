import type { Block } from './block.ts';
import type { Counter, ValueCounts } from './counter.ts';

/** A node with fewer rows is sorted, however few values it has. */
const LEAST_ROWS = 48;
/** Counting a node takes about as long as sorting it with this many counts per row and feature. */
const COUNTS_PER_ROW = 1;

/** Sums with a larger rounding error than this, relative to their terms, are computed again from the rows. */
const MOST_ERROR = 1e-6;

/**
 * Counts nodes of a block by value. A node is counted from its rows, or its counts are those of its parent less those
 * of its sibling. So only the smaller child of a node is counted from its rows.
 */
export class NodeCounter {
  readonly #block: Block;
  readonly #counter: Counter;
  /** For each feature, where its counts start. */
  readonly #starts: readonly number[];
  readonly #size: number;
  readonly #free: ValueCounts[] = [];

  constructor(block: Block, counter: Counter) {
    this.#block = block;
    this.#counter = counter;
    let size = 0;
    this.#starts = block.samples.map((samples) => {
      const start = size;
      size += samples === null ? 0 : samples.length;
      return start;
    });
    this.#size = size;
  }

  /** Whether counting a node with so many rows costs less than sorting it. */
  isWorth(rows: number, features: readonly number[]): boolean {
    if (rows < LEAST_ROWS) return false;
    const { values, samples } = this.#block;
    let counts = 0;
    let coded = 0;
    for (let i = 0; i < features.length; i++) {
      const feature = features[i]!;
      if (samples[feature] === null) continue;
      counts += values[feature]!;
      coded++;
    }
    return coded > 0 && counts * this.#counter.width <= COUNTS_PER_ROW * rows * coded;
  }

  /** Prepares to count the features of a node from its rows. */
  open(start: number, end: number): ValueCounts {
    const into = this.#free.pop() ?? this.#counter.makeCounts(this.#size);
    into.moments = null;
    this.#counter.load(this.#block, start, end, into);
    return into;
  }

  /** Counts one feature of the rows for which the counts were opened last. A sorted feature is not counted. */
  countFeature(into: ValueCounts, feature: number, start: number, end: number): void {
    const codes = this.#block.codes[feature]!;
    if (codes === null) return;
    const { values, orders } = this.#block;
    const at = this.#starts[feature]!;
    this.#counter.count(into, at, values[feature]!, codes, orders.at(-1)!, start, end);
  }

  /** Counts a node from its rows. */
  count(features: readonly number[], start: number, end: number): ValueCounts {
    const counts = this.open(start, end);
    for (let i = 0; i < features.length; i++) this.countFeature(counts, features[i]!, start, end);
    return counts;
  }

  /**
   * Turns the counts of a node into those of one child, by subtracting those of the other.
   * @returns false if too much rounding would be left. Then nothing is changed
   */
  subtract(from: ValueCounts, other: ValueCounts, features: readonly number[]): boolean {
    const magnitude = from.magnitude - other.magnitude;
    const error = from.error + other.error + from.magnitude * Number.EPSILON;
    if (!(error <= MOST_ERROR * magnitude)) return false;
    from.magnitude = magnitude;
    from.error = error;
    const { values, codes } = this.#block;
    for (let i = 0; i < features.length; i++) {
      const feature = features[i]!;
      if (codes[feature] === null) continue;
      this.#counter.subtract(from, other, this.#starts[feature]!, values[feature]!);
    }
    return true;
  }

  /** Measures the cuts of a coded feature of the node that the criterion has entered. */
  measure(counts: ValueCounts, feature: number, minLeaf: number): void {
    this.#counter.measure(counts, this.#starts[feature]!, this.#block.values[feature]!, minLeaf);
  }

  /** Releases the memory of counts for other nodes. */
  release(counts: ValueCounts): void {
    this.#free.push(counts);
  }
}
