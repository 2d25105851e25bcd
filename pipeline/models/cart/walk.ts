import type { FlatTree } from './flat-tree.ts';

/** Rows that are copied together before they are walked: with most widths they fit the cache. */
const TILE_ROWS = 256;
/** Between columns of a tile: a cache line more, for columns a power of two apart would drive each other out. */
const STRIDE = TILE_ROWS + 8;

/**
 * Finds the leaf of every row as ml-cart's `predict` does: left where the feature is less than the threshold
 * (never for NaN). Four rows go down at once, because the steps of one row wait for memory and those of the
 * others need not.
 * @param columns by feature, as long as there are rows; those that the tree does not use are not read
 * @returns numbers of nodes
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
    // Rows past the last, to make the number even, are those of an earlier tile, or zeros.
    for (let i = 0; i < end - start; i += 4) walkFour(tree.thresholds, tree.links, tile, i, leaves);
    found.set(end - start === TILE_ROWS ? leaves : leaves.subarray(0, end - start), start);
  }
  return found;
}

/** What each leaf has of some values by node. */
export function valuesAt<T extends Float64Array | Int32Array>(
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
    // A child is the right one, less 1 where the row goes left: no branch for the processor to guess.
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
