import { describe, expect, it } from 'vitest';
import { fitClasses, fitNumbers } from '../../../../pipeline/models/cart/fit.ts';
import { growTogether, helpWith, type Helpers } from '../../../../pipeline/models/cart/together.ts';
import { jsonOf, seeded, upTo } from '../trees.ts';

/** What threads do together is tested in test/compute/helpers.test.ts. This helper comes when all is done. */
const late: Helpers = {
  count: 1,
  help: async (job) => {
    await Promise.resolve();
    return helpWith(job);
  },
};

const ROWS = 3000;
const random = seeded(11);
const shared = (value: (row: number) => number): Float64Array =>
  Float64Array.from(new Float64Array(new SharedArrayBuffer(8 * ROWS)), (_, row) => value(row));
/** Columns all of whose values differ, of values that repeat, of few values and of one value. */
const columns = [
  Float64Array.from({ length: ROWS }, random),
  shared(() => Math.floor(random() * 2000)),
  shared(() => Math.floor(random() * 9)),
  new Float64Array(ROWS).fill(7),
  shared(() => random() - 0.5),
];
const labels = Uint8Array.from({ length: ROWS }, (_, row) =>
  Math.floor((random() < 0.3 ? random() : columns[0]![row]!) * 4),
);
const numbers = Float64Array.from(labels, (label, row) => label + columns[2]![row]! * random());

describe('a tree that is grown in parts', () => {
  it.each([
    ['to its end', { max_depth: 1000, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 }],
    ['to a depth', { max_depth: 8, min_samples_split: 12, min_samples_leaf: 5, min_gain: 1e-4 }],
  ])('%s has the bytes of one that is grown whole', async (_, params) => {
    const limits = { maxDepth: params.max_depth, minSplit: params.min_samples_split };
    const others = { minLeaf: params.min_samples_leaf, minDrop: params.min_gain };
    const grow = (targets: Uint8Array | Float64Array, classes: number, some = columns) =>
      growTogether(some, targets, classes, { ...limits, ...others }, late);
    const few = upTo(4).map((c) => columns[2]!.map((value) => (value * (c + 1)) % 7));
    for (const some of [columns, few]) {
      const words = fitClasses(some, labels, 4, params);
      const means = fitNumbers(some, numbers, params);
      expect(words.grown.size).toBeGreaterThan(12);
      const wordsInParts = { ...words, grown: await grow(labels, 4, some) };
      const meansInParts = { ...means, grown: await grow(numbers, 0, some) };
      expect(jsonOf(wordsInParts).equals(jsonOf(words))).toBe(true);
      expect(jsonOf(meansInParts).equals(jsonOf(means))).toBe(true);
      expect(wordsInParts.grown.measure()).toEqual(words.grown.measure());
      expect(meansInParts.grown.measure()).toEqual(means.grown.measure());
    }
  });

  it('reports each row once, until all of them have their leaf', async () => {
    const seen: [number, number][] = [];
    const limits = { maxDepth: 1000, minSplit: 2, minLeaf: 1, minDrop: 0 };
    await growTogether(columns, labels, 4, limits, late, (done, rows) => seen.push([done, rows!]));
    expect(seen.at(-1)).toEqual([1, ROWS]);
    expect(seen).toEqual(seen.toSorted(([a], [b]) => a - b));
  });
});
