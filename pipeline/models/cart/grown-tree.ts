/** Stand where the feature would: too few rows to look for a cut, and none found. */
export const UNSEARCHED = -1;
export const UNSPLIT = -2;

/** A tree as it travels between threads, until it is grafted. */
export type PackedTree = Pick<
  GrownTree,
  'features' | 'thresholds' | 'gains' | 'rows' | 'lefts' | 'values' | 'shares'
>;

/**
 * Nodes in arrays that grow, 36 bytes each: a parent before its children, these side by side. A million of
 * them as objects would take five times the memory and half the time of training.
 */
export class GrownTree {
  size = 0;
  /** The feature of the best cut, made or not; or {@link UNSEARCHED}, or {@link UNSPLIT}. */
  features = new Int32Array(FIRST);
  /** By node, once {@link place} has made them of the cuts. */
  thresholds = new Float64Array(FIRST);
  /** The rows between whose values a node is cut, two for each node, in the memory of its threshold. */
  #cuts = new Int32Array(this.thresholds.buffer);
  gains = new Float64Array(FIRST);
  /** How many rows a node with a cut has, or a leaf of numbers or of one class. */
  rows = new Int32Array(FIRST);
  /** The left child, or 0 at a leaf; the right child is the next. */
  lefts = new Int32Array(FIRST);
  /** At a leaf of numbers their mean, at one of a single class its index. */
  values = new Float64Array(FIRST);
  /** Of the leaves that hold more than one class. */
  shares = new Map<number, readonly number[]>();

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
    this.#cuts[2 * node] = below;
    this.#cuts[2 * node + 1] = above;
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

  /**
   * Makes the thresholds, all at once: each takes two values from anywhere in a column, and the processor
   * waits for many of them together where a node at a time would wait for each.
   */
  place(columns: readonly Float64Array[]): this {
    const { size, features, thresholds } = this;
    const cuts = this.#cuts;
    for (let node = 0; node < size; node++) {
      const feature = features[node]!;
      if (feature < 0) continue;
      const column = columns[feature]!;
      const below = column[cuts[2 * node]!]!;
      thresholds[node] = thresholdBetween(below, column[cuts[2 * node + 1]!]!);
    }
    return this;
  }

  /** Its nodes, once placed, in arrays of their own size; it is empty then, with room for as many. */
  unload(): PackedTree {
    const { size, shares } = this;
    const take = <T extends Int32Array | Float64Array>(array: T): T => {
      const taken = array.slice(0, size) as T;
      array.fill(0, 0, size);
      return taken;
    };
    this.size = 0;
    this.shares = new Map();
    return {
      features: take(this.features),
      thresholds: take(this.thresholds),
      gains: take(this.gains),
      rows: take(this.rows),
      lefts: take(this.lefts),
      values: take(this.values),
      shares,
    };
  }

  /**
   * Puts trees grown elsewhere in the place of nodes that were left open, once all are placed. Each of their
   * arrays is released when it is copied, so that memory never holds a large tree twice.
   */
  graft(subtrees: readonly { readonly node: number; readonly grown: PackedTree }[]): void {
    // A root takes the place of the node. The other nodes come after all existing ones, children side by side.
    let size = this.size;
    const grafts = subtrees.map(({ node, grown }) => {
      const first = size - 1;
      size += grown.features.length - 1;
      for (let i = 0; i < grown.lefts.length; i++)
        if (grown.lefts[i] !== 0) grown.lefts[i]! += first;
      for (const [i, shares] of grown.shares) this.shares.set(i === 0 ? node : first + i, shares);
      return { node, first, grown };
    });
    for (const name of ARRAYS) {
      const all = this[name] instanceof Int32Array ? new Int32Array(size) : new Float64Array(size);
      all.set(this[name].subarray(0, this.size));
      for (const { node, first, grown } of grafts) {
        all[node] = grown[name][0]!;
        all.set(grown[name].subarray(1), first + 1);
        grown[name] = NONE as never;
      }
      this[name] = all as never;
    }
    this.size = size;
  }

  #resize(room: number): void {
    const resized = <T extends Int32Array | Float64Array>(old: T, grown: T): T => {
      grown.set(old);
      return grown;
    };
    this.features = resized(this.features, new Int32Array(room));
    this.thresholds = resized(this.thresholds, new Float64Array(room));
    this.#cuts = new Int32Array(this.thresholds.buffer);
    this.gains = resized(this.gains, new Float64Array(room));
    this.rows = resized(this.rows, new Int32Array(room));
    this.lefts = resized(this.lefts, new Int32Array(room));
    this.values = resized(this.values, new Float64Array(room));
  }
}

/** The arrays of a packed tree, whose memory is theirs alone. */
export function arraysOf(tree: PackedTree): PackedTree[(typeof ARRAYS)[number]][] {
  return ARRAYS.map((name) => tree[name]);
}

const ARRAYS = ['features', 'thresholds', 'gains', 'rows', 'lefts', 'values'] as const;
const FIRST = 64;
const NONE = new Int32Array(0);

/**
 * The number that parts two neighbouring values: rows less than it go left. The mean of the two, as
 * ml-cart takes it, unless that is no good: the sum of two large values may be infinite (halves are
 * added then), and the mean of two adjacent floats may round down to the lower one, which would then
 * go right (the upper one is taken then).
 * @param below the largest value on the left
 * @param above the smallest on the right, greater than `below`
 * @returns t with below < t <= above
 */
export function thresholdBetween(below: number, above: number): number {
  const mean = (below + above) / 2;
  const middle = Number.isFinite(mean) ? mean : below / 2 + above / 2;
  return middle > below ? middle : above;
}
