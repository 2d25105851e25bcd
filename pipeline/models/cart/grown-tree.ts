/** Values in place of a feature: the node has too few rows for a search, or the search found no cut. */
export const UNSEARCHED = -1;
export const UNSPLIT = -2;

/** A tree as it travels between threads, until it is grafted. */
export type PackedTree = Pick<
  GrownTree,
  'features' | 'thresholds' | 'gains' | 'rows' | 'lefts' | 'values' | 'shares'
>;

/**
 * Nodes in arrays that grow, with 36 bytes for each node. A parent is before its children, and these are side by
 * side. A million nodes as objects would take five times the memory, and half the time of training.
 */
export class GrownTree {
  size = 0;
  /** The feature of the best cut, whether it was made or not; or {@link UNSEARCHED}, or {@link UNSPLIT}. */
  features = new Int32Array(FIRST);
  /** Valid after {@link place} has computed them from the cuts. */
  thresholds = new Float64Array(FIRST);
  /** Two rows for each node: it is cut between their values. They are in the memory of its threshold. */
  #cuts = new Int32Array(this.thresholds.buffer);
  gains = new Float64Array(FIRST);
  /** The number of rows of a node with a cut, of a leaf of numbers, or of a leaf of one class. */
  rows = new Int32Array(FIRST);
  /** The left child, or 0 at a leaf; the right child is the next. */
  lefts = new Int32Array(FIRST);
  /** The mean of a leaf of numbers, or the class index of a leaf of one class. */
  values = new Float64Array(FIRST);
  /** The shares of the classes of a leaf with more than one class. */
  shares = new Map<number, readonly number[]>();

  /** Adds an empty node. Returns its number. */
  add(): number {
    const node = this.size++;
    if (node === this.features.length) this.#resize(2 * node);
    this.features[node] = UNSEARCHED;
    return node;
  }

  /** Notes that no cut was found at a node. */
  setUnsplit(node: number): void {
    this.features[node] = UNSPLIT;
  }

  /**
   * Notes the best cut of a node, whether it is made or not.
   * @param below the last row on the left, numbered as in the columns
   * @param above the first row on the right
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

  /** Makes a leaf of one class. */
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

  /** Counts the nodes, the leaves, and the splits from the root to the deepest leaf. */
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
   * Computes all thresholds at once. Each needs two values from any place in a column. In one loop the processor
   * loads many of them at the same time.
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

  /** Returns its placed nodes in arrays of their exact size, and empties the tree. Its memory is used again. */
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
   * Replaces open nodes by trees that other threads have grown. All must be placed. Each array is released after
   * it is copied, so that memory never holds a large tree twice.
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

/** Returns the arrays of a packed tree. No other array shares their memory. */
export function arraysOf(tree: PackedTree): PackedTree[(typeof ARRAYS)[number]][] {
  return ARRAYS.map((name) => tree[name]);
}

const ARRAYS = ['features', 'thresholds', 'gains', 'rows', 'lefts', 'values'] as const;
const FIRST = 64;
const NONE = new Int32Array(0);

/**
 * Returns the threshold between two neighbouring values; rows below it go left. It is their mean, as in ml-cart,
 * except in two cases. If the sum of two large values is infinite, their halves are added. If the mean of two
 * adjacent floats rounds down to the lower one, the upper one is taken, because the lower one must go left.
 * @param below the largest value on the left
 * @param above the smallest on the right, greater than `below`
 * @returns t with below < t <= above
 */
export function thresholdBetween(below: number, above: number): number {
  const mean = (below + above) / 2;
  const middle = Number.isFinite(mean) ? mean : below / 2 + above / 2;
  return middle > below ? middle : above;
}
