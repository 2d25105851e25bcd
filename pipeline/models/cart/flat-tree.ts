/**
 * A tree for prediction. A node has 16 bytes, so that a step reads one line of the processor's cache. Children are
 * side by side, so that a step needs no branch. Node 0 is the root. A leaf is its own right child, and its
 * threshold is NaN, so that no row goes left: a step from a leaf stays at the leaf.
 */
export interface FlatTree {
  readonly nodes: number;
  readonly leaves: number;
  /** Splits from the root to the deepest leaf. */
  readonly depth: number;
  /** The features that occur, ascending. */
  readonly features: readonly number[];
  /** The threshold of node i is at 2i. Rows below it go left. */
  readonly thresholds: Float64Array;
  /**
   * In the same memory. The right child of node i is at 4i + 2, and its feature at 4i + 3. The left child is the
   * node before the right one.
   */
  readonly links: Int32Array;
  /** The prediction of a leaf: the index of its most likely class (the first among equals), or its mean. */
  readonly answers: Float64Array;
  /** The gain of an inner node, NaN when it is not known. For a leaf of classes, the share of its class. */
  readonly gains: Float64Array;
  /** The number of rows that an inner node was fitted on, NaN when it is not known. */
  readonly samples: Float64Array;
  /** The shares of the classes in each leaf, up to the last class that occurs; null if they were not asked for. */
  readonly shares: readonly (readonly number[])[] | null;
}

/** Builds a flat tree. Its memory grows with the tree. */
export class FlatTreeMaker {
  #nodes = 0;
  #thresholds: Float64Array<ArrayBuffer>;
  #links: Int32Array;
  #answers: Float64Array;
  #gains: Float64Array;
  #samples: Float64Array;
  readonly #shares: (readonly number[])[] | null;

  /**
   * @param room the number of nodes that it has memory for at first, at least 1
   * @param keepsShares whether the tree keeps the shares of all classes
   */
  constructor(room = FIRST, keepsShares = false) {
    this.#shares = keepsShares ? [] : null;
    this.#thresholds = new Float64Array(2 * room);
    this.#links = new Int32Array(this.#thresholds.buffer);
    this.#answers = new Float64Array(room);
    this.#gains = new Float64Array(room);
    this.#samples = new Float64Array(room);
  }

  /** Adds one node, or two side by side. Returns the number of the first. */
  add(some: 1 | 2): number {
    const first = this.#nodes;
    this.#nodes += some;
    if (this.#nodes > this.#answers.length) this.#double();
    return first;
  }

  setLeaf(
    node: number,
    answer: number,
    share: number,
    shares: readonly number[] = NO_SHARES,
  ): void {
    this.#thresholds[2 * node] = Number.NaN;
    this.#links[4 * node + 2] = node;
    this.#links[4 * node + 3] = 0;
    this.#answers[node] = answer;
    this.#gains[node] = share;
    if (this.#shares !== null) this.#shares[node] = shares;
  }

  /** Makes an inner node of the children at `left` and `left + 1`. */
  setSplit(
    node: number,
    split: { feature: number; threshold: number; left: number; gain: number; samples: number },
  ): void {
    this.#thresholds[2 * node] = split.threshold;
    this.#links[4 * node + 2] = split.left + 1;
    this.#links[4 * node + 3] = split.feature;
    this.#answers[node] = Number.NaN;
    this.#gains[node] = split.gain;
    this.#samples[node] = split.samples;
    if (this.#shares !== null) this.#shares[node] = NO_SHARES;
  }

  /** Returns the tree. Every node must have been set. */
  finish(): FlatTree {
    const nodes = this.#nodes;
    const links = this.#links.subarray(0, 4 * nodes);
    return {
      nodes,
      leaves: (nodes + 1) / 2,
      depth: depthOf(links, nodes),
      features: featuresOf(links, nodes),
      thresholds: this.#thresholds.subarray(0, 2 * nodes),
      links,
      answers: this.#answers.subarray(0, nodes),
      gains: this.#gains.subarray(0, nodes),
      samples: this.#samples.subarray(0, nodes),
      shares: this.#shares,
    };
  }

  #double(): void {
    const doubled = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(2 * old.length);
      grown.set(old);
      return grown;
    };
    this.#thresholds = doubled(this.#thresholds);
    this.#links = new Int32Array(this.#thresholds.buffer);
    this.#answers = doubled(this.#answers);
    this.#gains = doubled(this.#gains);
    this.#samples = doubled(this.#samples);
  }
}

const FIRST = 64;
const NO_SHARES: readonly number[] = [];

/** Children come after their parent. */
function depthOf(links: Int32Array, nodes: number): number {
  const depths = new Int32Array(nodes);
  let deepest = 0;
  for (let node = 0; node < nodes; node++) {
    const right = links[4 * node + 2]!;
    if (right === node) continue;
    const depth = depths[node]! + 1;
    depths[right] = depth;
    depths[right - 1] = depth;
    if (depth > deepest) deepest = depth;
  }
  return deepest;
}

function featuresOf(links: Int32Array, nodes: number): number[] {
  const used = new Set<number>();
  for (let i = 0; i < nodes; i++) if (links[4 * i + 2] !== i) used.add(links[4 * i + 3]!);
  return [...used].sort((a, b) => a - b);
}

/** Returns the class that a leaf predicts: the first one with the greatest share. */
export function findMostLikely(shares: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < shares.length; i++) if (shares[i]! > shares[best]!) best = i;
  return best;
}

/** The number of rows that are copied together before the walk. For most numbers of columns they fit the cache. */
const TILE_ROWS = 256;
/** The distance of two columns in a tile. It has one more cache line, because columns at a distance of a power of two
 * would share cache lines. */
const STRIDE = TILE_ROWS + 8;

/**
 * Finds the leaf of every row as ml-cart's `predict` does: a row goes left if its feature is below the threshold,
 * and NaN never does. Four rows go down at once, so that the processor works on one row while another waits for
 * memory.
 * @param columns by feature; columns that the tree does not use are not read
 * @returns the number of the leaf for each row
 */
export function findLeaves(
  tree: FlatTree,
  columns: readonly Float64Array[],
  rows: number,
): Int32Array {
  const found = new Int32Array(rows);
  const tile = new Float64Array(STRIDE * Math.max(1, columns.length));
  const leaves = new Int32Array(TILE_ROWS);
  for (let start = 0; start < rows; start += TILE_ROWS) {
    const end = Math.min(start + TILE_ROWS, rows);
    for (const feature of tree.features) {
      tile.set(columns[feature]!.subarray(start, end), feature * STRIDE);
    }
    // The walk takes four rows. Rows after the last one are zeros or rows of an earlier tile; their leaves are not used.
    for (let i = 0; i < end - start; i += 4) walkFour(tree.thresholds, tree.links, tile, i, leaves);
    found.set(end - start === TILE_ROWS ? leaves : leaves.subarray(0, end - start), start);
  }
  return found;
}

/** Writes the value of each row's leaf into an array. */
export function readValues<T extends Float64Array | Int32Array>(
  leaves: Int32Array,
  values: Float64Array,
  into: T,
): T {
  for (let row = 0; row < leaves.length; row++) into[row] = values[leaves[row]!]!;
  return into;
}

/** Walks rows `first` to `first + 3` of a tile until all are at leaves. */
function walkFour(
  thresholds: Float64Array,
  links: Int32Array,
  tile: Float64Array,
  first: number,
  leaves: Int32Array,
): void {
  const [b, c, d] = [first + 1, first + 2, first + 3];
  let [i, j, k, l] = [0, 0, 0, 0];
  for (;;) {
    // The next node is the right child, minus 1 if the row goes left. This needs no branch.
    const toI =
      links[4 * i + 2]! - Number(tile[links[4 * i + 3]! * STRIDE + first]! < thresholds[2 * i]!);
    const toJ =
      links[4 * j + 2]! - Number(tile[links[4 * j + 3]! * STRIDE + b]! < thresholds[2 * j]!);
    const toK =
      links[4 * k + 2]! - Number(tile[links[4 * k + 3]! * STRIDE + c]! < thresholds[2 * k]!);
    const toL =
      links[4 * l + 2]! - Number(tile[links[4 * l + 3]! * STRIDE + d]! < thresholds[2 * l]!);
    if (((toI ^ i) | (toJ ^ j) | (toK ^ k) | (toL ^ l)) === 0) break;
    i = toI;
    j = toJ;
    k = toK;
    l = toL;
  }
  leaves[first] = i;
  leaves[b] = j;
  leaves[c] = k;
  leaves[d] = l;
}
