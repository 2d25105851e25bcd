import type { Block } from './block.ts';
import type { Split } from './criterion.ts';
import { keepLeft, keepRight, markSides, partition } from './partition.ts';
import type { Task } from './task.ts';

/** The features that still vary: what is constant in a node is so in all below it, and skipped there. */
export function varying(
  { ranks, orders }: Block,
  { features, start, end }: Task,
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

/**
 * Parts the orders of a node's rows in two.
 * @param leftIsDone whether the left child needs no sorted orders, being a leaf or a pair
 */
export function part(
  { orders, side, spare }: Block,
  { start, end, list }: Task,
  features: readonly number[],
  split: Split,
  leftIsDone: boolean,
  rightIsDone: boolean,
  listed: boolean,
): void {
  const isLast = leftIsDone && rightIsDone;
  if (isLast && !listed) return;
  if (!split.isMarked) markSides(orders[split.feature]!, start, end, split.left, side);
  if (listed) partition(orders[list]!, start, end, side, spare);
  if (isLast) return;
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature === split.feature) continue;
    const order = orders[feature]!;
    if (leftIsDone) keepRight(order, start, end, side);
    else if (rightIsDone) keepLeft(order, start, end, side);
    else partition(order, start, end, side, spare);
  }
}
