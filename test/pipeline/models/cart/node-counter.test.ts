import { describe, expect, it } from 'vitest';
import { sortBlock } from '../../../../pipeline/models/cart/block.ts';
import { makeCriterion } from '../../../../pipeline/models/cart/criteria.ts';
import { NodeCounter } from '../../../../pipeline/models/cart/node-counter.ts';
import { seeded, upTo } from '../trees.ts';

const ROWS = 3000;

/** Counts rows by the order of their targets. The first is -`greatest`, the last is `greatest`, the others 0 to 1. */
function counterOf(greatest: number): NodeCounter {
  const random = seeded(4);
  const values = Float64Array.from(upTo(ROWS), () => Math.floor(random() * 20));
  const targets = values.map((_, row) => (row > 1 ? random() : row === 0 ? greatest : -greatest));
  const limits = { maxDepth: 1, minSplit: 2, minLeaf: 1, minDrop: 0 };
  const { counter, listed } = makeCriterion(0, ROWS, limits);
  return new NodeCounter(sortBlock([values], targets, listed, counter.width), counter);
}

describe('the counts of a node less those of one child', () => {
  it('are those of the other child', () => {
    const counter = counterOf(1);
    const counts = counter.count([0], 0, ROWS);
    const { error } = counts;
    expect(counter.subtract(counts, counter.count([0], 0, 1000), [0])).toBe(true);
    expect(counts.error).toBeGreaterThan(error);
    const others = counter.count([0], 1000, ROWS);
    expect(counts.counts).toEqual(others.counts);
    for (const i of upTo(20))
      expect(Math.abs(counts.sums[i]! - others.sums[i]!)).toBeLessThanOrEqual(counts.error);
    expect(Math.abs(counts.magnitude / others.magnitude - 1)).toBeLessThan(1e-9);
  });

  it('are left as they were if their sums would have too few digits', () => {
    const counter = counterOf(1e15);
    const counts = counter.count([0], 0, ROWS);
    expect(counter.subtract(counts, counter.count([0], 0, 1), [0])).toBe(true);
    const before = structuredClone(counts);
    expect(counter.subtract(counts, counter.count([0], ROWS - 1, ROWS), [0])).toBe(false);
    expect(counts).toEqual(before);
  });
});
