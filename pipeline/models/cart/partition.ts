import type { Block } from './block.ts';

/**
 * Parts a range of an order in two: rows that go left come first. Both sides keep their order.
 * @param side 1 for a row that goes right
 * @param spare scratch for the rows of the range
 */
export function partition(
  order: Int32Array,
  start: number,
  end: number,
  side: Uint8Array,
  spare: Int32Array,
): void {
  const middle = separate(order, start, end, side, spare);
  if (end - middle > LONG) order.set(spare.subarray(0, end - middle), middle);
  else copyFrom(spare, order, middle, end);
}

/** Like {@link partition}, but keeps only the rows that go left. The rest of the range is undefined. */
export function keepLeft(order: Int32Array, start: number, end: number, side: Uint8Array): void {
  let left = start;
  for (let i = start; i < end; i++) {
    const row = order[i]!;
    order[left] = row;
    left += 1 - side[row]!;
  }
}

/** Like {@link keepLeft}, for the rows that go right. */
export function keepRight(order: Int32Array, start: number, end: number, side: Uint8Array): void {
  let right = end - 1;
  for (let i = right; i >= start; i--) {
    const row = order[i]!;
    order[right] = row;
    right -= side[row]!;
  }
}

/** Marks the first `left` rows of a range as going left, and the others as going right. */
export function markSides(
  order: Int32Array,
  start: number,
  end: number,
  left: number,
  side: Uint8Array,
): void {
  mark(order, start, start + left, side, 0);
  mark(order, start + left, end, side, 1);
}

/** For more rows than this a bulk copy is faster than a loop. */
const LONG = 64;

// Each function here and in the scans has only one loop. V8 may optimise a function while its first loop runs, before
// it knows the second loop, and then discard that code at the end of the first loop, each time.

/** Moves rows that go left to the front and the others to `spare`. Returns the end of the front. */
function separate(
  order: Int32Array,
  start: number,
  end: number,
  side: Uint8Array,
  spare: Int32Array,
): number {
  let left = start;
  let right = 0;
  // Each row is written to both places and one index moves: no branch, because the processor could not predict it.
  for (let i = start; i < end; i++) {
    const row = order[i]!;
    const goesRight = side[row]!;
    order[left] = row;
    spare[right] = row;
    left += 1 - goesRight;
    right += goesRight;
  }
  return left;
}

function copyFrom(spare: Int32Array, order: Int32Array, middle: number, end: number): void {
  for (let i = middle; i < end; i++) order[i] = spare[i - middle]!;
}

function mark(order: Int32Array, start: number, end: number, side: Uint8Array, as: 0 | 1): void {
  for (let i = start; i < end; i++) side[order[i]!] = as;
}

/**
 * Returns the features that vary in a node, and the coded ones, of which this is not known. A feature that is constant
 * in a node is constant in all nodes below.
 */
export function selectVarying(
  { ranks, orders, codes }: Block,
  { features, start, end }: { features: readonly number[]; start: number; end: number },
): readonly number[] {
  let kept: number[] | null = null;
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    const rank = ranks[feature]!;
    const order = orders[feature]!;
    const varies =
      codes[feature] !== null || rank === null || rank[order[start]!] !== rank[order[end - 1]!];
    if (!varies) kept ??= features.slice(0, i);
    else if (kept !== null) kept.push(feature);
  }
  return kept ?? features;
}

/** Which children of a node need their rows sorted by each feature. */
export const BOTH = 0;
export const LEFT = 1;
export const RIGHT = 2;
export type Kept = typeof BOTH | typeof LEFT | typeof RIGHT;

/** Parts one order, and keeps the sides that are needed. */
export function partOrder(
  order: Int32Array,
  start: number,
  end: number,
  side: Uint8Array,
  spare: Int32Array,
  kept: Kept,
): void {
  if (kept === RIGHT) keepRight(order, start, end, side);
  else if (kept === LEFT) keepLeft(order, start, end, side);
  else partition(order, start, end, side, spare);
}
