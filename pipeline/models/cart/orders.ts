import type { Block } from './block.ts';
import type { Split } from './criterion.ts';
import { keepLeft, keepRight, markSides, partition } from './partition.ts';
import type { Task } from './task.ts';
import type { Team } from './team.ts';

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

/** Which children of a node need their rows sorted by each feature. */
export const BOTH = 0;
export const LEFT = 1;
export const RIGHT = 2;
export type Kept = typeof BOTH | typeof LEFT | typeof RIGHT;

/**
 * Parts the orders of a node's rows in two.
 * @param leftIsDone whether the left child needs no sorted orders, being a leaf or a pair
 * @param team parts the orders of features with others; the caller does alone where there is none
 */
export function part(
  block: Block,
  task: Task,
  features: readonly number[],
  split: Split,
  leftIsDone: boolean,
  rightIsDone: boolean,
  listed: boolean,
  team: Team | undefined,
): void {
  const { orders, side, spare } = block;
  const { start, end, list } = task;
  const isLast = leftIsDone && rightIsDone;
  if (isLast && !listed) return;
  if (!split.isMarked) markSides(orders[split.feature]!, start, end, split.left, side);
  if (listed) partition(orders[list]!, start, end, side, spare);
  if (isLast) return;
  const kept = leftIsDone ? RIGHT : rightIsDone ? LEFT : BOTH;
  if (team !== undefined) {
    team.part(task, features, split.feature, kept);
    return;
  }
  for (let i = 0; i < features.length; i++) {
    const feature = features[i]!;
    if (feature !== split.feature) partOrder(orders[feature]!, start, end, side, spare, kept);
  }
}

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
