import type { Block } from './block.ts';
import type { Split } from './criterion.ts';
import { markSides } from './partition.ts';

/**
 * Finds the rows on either side of a cut: how many go left, and two between whose values it is. If its feature is
 * coded, this marks the sides of all rows.
 * @param split has its feature and its cut
 */
export function placeCut(block: Block, start: number, end: number, split: Split): void {
  const { feature, cut } = split;
  const codes = block.codes[feature]!;
  split.isMarked = codes !== null;
  if (codes === null) {
    const order = block.orders[feature]!;
    split.left = cut;
    split.below = block.ids[order[start + cut - 1]!]!;
    split.above = block.ids[order[start + cut]!]!;
    return;
  }
  const list = block.orders.at(-1)!;
  const samples = block.samples[feature]!;
  split.below = samples[cut - 1]!;
  split.left = markCodes(codes, list, start, end, cut, block.side);
  split.above = samples[findLeastRight(codes, list, start, end, cut, block.side)]!;
}

/** Marks the sides of a node's rows. */
export function markCut(
  block: Block,
  start: number,
  end: number,
  feature: number,
  cut: number,
): void {
  const codes = block.codes[feature]!;
  if (codes === null) markSides(block.orders[feature]!, start, end, cut, block.side);
  else markCodes(codes, block.orders.at(-1)!, start, end, cut, block.side);
}

/** Marks rows with a code below `cut` as going left, and the others as going right. Returns how many go left. */
function markCodes(
  codes: Uint16Array,
  list: Int32Array,
  start: number,
  end: number,
  cut: number,
  side: Uint8Array,
): number {
  let right = 0;
  for (let i = start; i < end; i++) {
    const row = list[i]!;
    // 1 if the code is at least `cut`: without a branch, because the processor could not predict it.
    const goesRight = 1 - ((codes[row]! - cut) >>> 31);
    side[row] = goesRight;
    right += goesRight;
  }
  return end - start - right;
}

/** Returns the least code that goes right. All of these are at least `cut`. */
function findLeastRight(
  codes: Uint16Array,
  list: Int32Array,
  start: number,
  end: number,
  cut: number,
  side: Uint8Array,
): number {
  let least = 0xffff;
  for (let i = start; i < end && least > cut; i++) {
    const row = list[i]!;
    // Rows that go left count as the greatest code, without a branch.
    least = Math.min(least, codes[row]! | ((side[row]! - 1) & 0xffff));
  }
  return least;
}
