import { thresholdBetween } from './threshold.ts';

/** Stand where the feature would: too few rows to look for a cut, and none found. */
export const UNSEARCHED = -1;
export const UNSPLIT = -2;

/** What a leaf predicts, as ml-cart writes it: a mean, or one row with the share of each class. */
export type Distribution = number | readonly (readonly number[])[];

/** A tree as it travels between threads. */
export type PackedTree = Readonly<
  Pick<GrownTree, 'features' | 'cuts' | 'gains' | 'rows' | 'lefts' | 'values' | 'shares'>
>;

/**
 * Nodes in arrays that grow, 36 bytes each: a parent before its children, these side by side. A million of
 * them as objects would take five times the memory and half the time of training.
 */
export class GrownTree {
  size = 0;
  /** The feature of the best cut, made or not; or {@link UNSEARCHED}, or {@link UNSPLIT}. */
  features = new Int32Array(FIRST);
  /** The rows between whose values a node is cut, two for each node. */
  cuts = new Int32Array(2 * FIRST);
  /** By node, once {@link place} has made them of the cuts. */
  thresholds = new Float64Array(0);
  gains = new Float64Array(FIRST);
  /** How many rows a node with a cut has, or a leaf of numbers or of one class. */
  rows = new Int32Array(FIRST);
  /** The left child, or 0 at a leaf; the right child is the next. */
  lefts = new Int32Array(FIRST);
  /** At a leaf of numbers their mean, at one of a single class its index. */
  values = new Float64Array(FIRST);
  /** Of the leaves that hold more than one class. */
  readonly shares = new Map<number, readonly number[]>();

  /** Adds a node of which nothing is known yet; returns its number. */
  add(): number {
    const node = this.size++;
    if (node === this.features.length) this.#resize(2 * node);
    this.features[node] = UNSEARCHED;
    return node;
  }

  /** No cut was found at a node. */
  setUnsplit(node: number): void {
    this.features[node] = UNSPLIT;
  }

  /**
   * The best cut of a node, be it made or not.
   * @param below the last row on the left, as the columns number it
   * @param above the first on the right
   */
  setSplit(
    node: number,
    feature: number,
    below: number,
    above: number,
    gain: number,
    rows: number,
  ): void {
    this.features[node] = feature;
    this.cuts[2 * node] = below;
    this.cuts[2 * node + 1] = above;
    this.gains[node] = gain;
    this.rows[node] = rows;
  }

  /** Makes a leaf that predicts a number. */
  setMean(node: number, mean: number, rows: number): void {
    this.values[node] = mean;
    this.rows[node] = rows;
  }

  /** Makes a leaf all of whose rows are of one class. */
  setClass(node: number, label: number, rows: number): void {
    this.values[node] = label;
    this.rows[node] = rows;
  }

  /** Makes a leaf of several classes. */
  setShares(node: number, shares: readonly number[]): void {
    this.shares.set(node, shares);
  }

  /** Adds the children of a node; returns the number of the left one. */
  addChildren(node: number): number {
    const left = this.add();
    this.add();
    this.lefts[node] = left;
    return left;
  }

  /** Leaves, and splits from the root to the deepest of them. */
  measure(): { depth: number; leaves: number; nodes: number } {
    const depths = new Int32Array(this.size);
    let deepest = 0;
    for (let node = 0; node < this.size; node++) {
      const left = this.lefts[node]!;
      if (left === 0) continue;
      depths[left] = depths[left + 1] = depths[node]! + 1;
      if (depths[left] > deepest) deepest = depths[left];
    }
    return { depth: deepest, leaves: (this.size + 1) / 2, nodes: this.size };
  }

  /** Its nodes in arrays of their own size, to be sent to another thread. */
  packed(): PackedTree {
    const { size, features, cuts, gains, rows, lefts, values, shares } = this;
    return {
      features: features.slice(0, size),
      cuts: cuts.slice(0, 2 * size),
      gains: gains.slice(0, size),
      rows: rows.slice(0, size),
      lefts: lefts.slice(0, size),
      values: values.slice(0, size),
      shares,
    };
  }

  /** Makes room for so many more nodes, and no more. */
  reserve(nodes: number): void {
    if (this.size + nodes > this.features.length) this.#resize(this.size + nodes);
  }

  /** Puts a tree grown elsewhere in the place of a node that was left open. */
  graft(node: number, grown: PackedTree): void {
    // Its root is the node; the others come after all there are, and children stay side by side.
    const first = this.size - 1;
    const numberOf = (i: number): number => (i === 0 ? node : first + i);
    for (let i = 1; i < grown.features.length; i++) this.add();
    for (let i = 0; i < grown.features.length; i++) {
      const at = numberOf(i);
      this.features[at] = grown.features[i]!;
      this.cuts[2 * at] = grown.cuts[2 * i]!;
      this.cuts[2 * at + 1] = grown.cuts[2 * i + 1]!;
      this.gains[at] = grown.gains[i]!;
      this.rows[at] = grown.rows[i]!;
      this.lefts[at] = grown.lefts[i] === 0 ? 0 : numberOf(grown.lefts[i]!);
      this.values[at] = grown.values[i]!;
    }
    for (const [i, shares] of grown.shares) this.shares.set(numberOf(i), shares);
  }

  /**
   * Makes the thresholds, all at once: each takes two values from anywhere in a column, and the processor
   * waits for many of them together where a node at a time would wait for each.
   */
  place(columns: readonly Float64Array[]): this {
    this.thresholds = new Float64Array(this.size);
    for (let node = 0; node < this.size; node++) {
      const feature = this.features[node]!;
      if (feature < 0) continue;
      const column = columns[feature]!;
      const below = column[this.cuts[2 * node]!]!;
      this.thresholds[node] = thresholdBetween(below, column[this.cuts[2 * node + 1]!]!);
    }
    this.cuts = NONE;
    return this;
  }

  #resize(room: number): void {
    const resized = <T extends Int32Array | Float64Array>(old: T, grown: T): T => {
      grown.set(old);
      return grown;
    };
    this.features = resized(this.features, new Int32Array(room));
    this.cuts = resized(this.cuts, new Int32Array(2 * room));
    this.gains = resized(this.gains, new Float64Array(room));
    this.rows = resized(this.rows, new Int32Array(room));
    this.lefts = resized(this.lefts, new Int32Array(room));
    this.values = resized(this.values, new Float64Array(room));
  }
}

/** The arrays of a packed tree, whose memory is theirs alone. */
export function arraysOf(
  tree: PackedTree,
): (Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer>)[] {
  const { features, cuts, gains, rows, lefts, values } = tree;
  return [features, cuts, gains, rows, lefts, values];
}

const FIRST = 64;
const NONE = new Int32Array(0);
