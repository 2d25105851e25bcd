import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sortBlock } from '../../../../pipeline/models/cart/block.ts';
import { makeCriterion } from '../../../../pipeline/models/cart/criteria.ts';
import { NodeCounter } from '../../../../pipeline/models/cart/node-counter.ts';
import { numbersFrom, seeded } from '../trees.ts';

const node = fc.record({
  rows: fc.integer({ min: 2048, max: 4000 }),
  values: fc.integer({ min: 2, max: 200 }),
  numbers: fc.constantFrom(...Object.keys(numbersFrom)),
  seed: fc.nat(1e6),
  /** Where the rows of the node begin, among all rows in the order of their targets. */
  from: fc.constantFrom(0, 0.1, 0.7),
  /** Whether the node is counted by subtraction of the other rows. */
  isSubtracted: fc.boolean(),
  minLeaf: fc.constantFrom(1, 50),
});

/** The best cut of a node by counts, and by a scan of its rows. */
function measure(drawn: typeof node extends fc.Arbitrary<infer T> ? T : never) {
  const { rows, minLeaf } = drawn;
  const random = seeded(drawn.seed);
  const column = Float64Array.from({ length: rows }, () => Math.floor(random() * drawn.values));
  const targets = column.map((x, row) => numbersFrom[drawn.numbers]!(x, random(), row));
  const criterion = makeCriterion(0, rows, { maxDepth: 1, minSplit: 2, minLeaf, minDrop: 0 });
  const block = sortBlock([column], targets, criterion.listed, criterion.counter.width);
  const counter = new NodeCounter(block, criterion.counter);
  const start = Math.floor(rows * drawn.from);
  let counts = counter.count([0], drawn.isSubtracted ? 0 : start, rows);
  const isCounted =
    !drawn.isSubtracted || counter.subtract(counts, counter.count([0], 0, start), [0]);
  if (!isCounted) counts = counter.count([0], start, rows);
  criterion.enter(block, block.orders.at(-1)!, start, rows);
  counter.measure(counts, 0, minLeaf);
  const found = { ...criterion.counter.found };
  const isSure = criterion.counter.isSure(found.low);
  criterion.scan(block, 0, start, rows, minLeaf);
  return { ...found, isSure, score: criterion.score, lone: criterion.lone };
}

describe('counts of numbers', () => {
  it('know the score of the best cut between two bounds, however targets round', () => {
    let known = 0;
    fc.assert(
      fc.property(node, (drawn) => {
        const { low, high, cut, score, lone } = measure(drawn);
        if (cut > 0) known++;
        // Without a cut, both bounds are -1, and a scan has the score 0.
        const bounds = high < 0 ? [low + 1, high + 1] : [low, high];
        expect(score).toBeGreaterThanOrEqual(bounds[0]!);
        expect(score).toBeLessThanOrEqual(bounds[1]!);
        expect([0, lone]).toContain(cut);
      }),
      { numRuns: 200 },
    );
    expect(known).toBeGreaterThan(50);
  });

  it.each([false, true])(
    'know it almost exactly for usual targets; subtracted: %s',
    (isSubtracted) => {
      const usual = {
        rows: 4000,
        values: 30,
        numbers: 'smooth',
        seed: 1,
        from: 0.1,
        minLeaf: 1,
      } as const;
      const { low, high, cut, isSure, lone } = measure({ ...usual, isSubtracted });
      expect(high - low).toBeLessThan(1e-8 * high);
      expect([cut, isSure]).toEqual([lone, true]);
    },
  );
});
