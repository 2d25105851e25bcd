import type { Block } from './block.ts';

/**
 * Parts a range of an order in two, rows that go left before those that go right, each in their sequence.
 * @param side 1 for a row that goes right
 * @param spare scratch for as many rows
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

/** Like {@link partition}, but it keeps only the rows that go left: the rest of the range is meaningless. */
export function keepLeft(order: Int32Array, start: number, end: number, side: Uint8Array): void {
  let left = start;
  for (let i = start; i < end; i++) {
    const row = order[i]!;
    order[left] = row;
    left += 1 - side[row]!;
  }
}

/** Like {@link keepLeft}, for those that go right. */
export function keepRight(order: Int32Array, start: number, end: number, side: Uint8Array): void {
  let right = end - 1;
  for (let i = right; i >= start; i--) {
    const row = order[i]!;
    order[right] = row;
    right -= side[row]!;
  }
}

/** Marks for {@link partition} the first `left` rows of a range as going left, the others as going right. */
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

/** Past this many rows a bulk copy beats a loop. */
const LONG = 64;

// A function has one loop only, here and in the scans: V8 may enter a long loop in optimised code that
// does not know the loop after it, and then discard that code at its end, each time again.

/** Moves rows that go left to the front and the others to `spare`; returns where the front ends. */
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

/** The features that still vary: what is constant in a node is so in all below it, and skipped there. */
export function varying(
  { ranks, orders }: Block,
  { features, start, end }: { features: readonly number[]; start: number; end: number },
): readonly number[] {
  let kept: number[] | null = null;
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    const rank = ranks[feature]!;
    const order = orders[feature]!;
    const varies = rank === null || rank[order[start]!] !== rank[order[end - 1]!];
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

/** Parts one order, as far as it is needed. */
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
