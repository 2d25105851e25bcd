import { availableParallelism } from 'node:os';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openHelpers, trainThreads } from '../../compute/helpers.ts';
import {
  fitClasses,
  fitClassesTogether,
  fitNumbers,
  fitNumbersTogether,
  type TreeParams,
} from '../../pipeline/models/cart/fit.ts';
import { jsonOf } from '../pipeline/models/trees.ts';
import { seeded, upTo } from '../pipeline/models/trees.ts';
import { sha256 } from '../pipeline/support.ts';

const helpers = openHelpers(2);
afterAll(() => helpers.close());

const ROWS = 60_000;
const random = seeded(3);
/** Columns all of whose values differ, of few values, of one value, and one that repeats the first. */
const columns = upTo(10).map((c) =>
  Float64Array.from({ length: ROWS }, () => (c % 3 === 0 ? random() : Math.floor(random() * 40))),
);
columns[4] = new Float64Array(ROWS).fill(7);
columns[5] = columns[0]!;
const labels = Uint8Array.from({ length: ROWS }, (_, row) =>
  random() < 0.2 ? Math.floor(random() * 5) : Math.floor(columns[0]![row]! * 5),
);
const numbers = Float64Array.from(labels, (label, row) => label + columns[1]![row]! * random());

const knobs: [string, TreeParams][] = [
  ['grown to its end', { max_depth: Infinity, min_samples_split: 2, min_gain: 0 }],
  ['held back', { max_depth: 9, min_samples_split: 20, min_samples_leaf: 5, min_gain: 0.001 }],
];

describe('threads that help to fit a tree', () => {
  it.each(knobs)('make the tree of one thread to the last byte, %s', async (_name, params) => {
    const alone = [fitClasses(columns, labels, 5, params), fitNumbers(columns, numbers, params)];
    const together = [
      await fitClassesTogether(columns, labels, 5, params, helpers),
      await fitNumbersTogether(columns, numbers, params, helpers),
    ];
    expect(together.map((tree) => sha256(jsonOf(tree)))).toEqual(
      alone.map((tree) => sha256(jsonOf(tree))),
    );
    expect(together.map(({ grown }) => grown.measure())).toEqual(
      alone.map(({ grown }) => grown.measure()),
    );
  });

  it.each([
    [ROWS, true],
    [1000, false],
  ])('are asked for a table of %i rows: %s', async (rows, areAsked) => {
    const params = { max_depth: 3, min_samples_split: 2, min_gain: 0 };
    const some = columns.map((column) => column.subarray(0, rows));
    const help = vi.spyOn(helpers, 'help');
    await fitClassesTogether(some, labels.subarray(0, rows), 5, params, helpers);
    const forClasses = help.mock.calls.length;
    await fitNumbersTogether(some, numbers.subarray(0, rows), params, helpers);
    const forNumbers = help.mock.calls.length - forClasses;
    help.mockRestore();
    expect([forClasses > 0, forNumbers > 0]).toEqual([areAsked, areAsked]);
  });

  it.each([
    [2, 12],
    [1, 12],
    // One thread grows this tree, after two have counted the values.
    [1, 4],
  ])(
    'make it also of columns that are all counted by value, with %i helpers to depth %i',
    async (count, max_depth) => {
      const some = openHelpers(count);
      onTestFinished(() => some.close());
      const few = columns.filter((_, c) => c % 3 !== 0).slice(0, 6);
      const many = [...few, ...few.map((column) => column.map((value) => -value))];
      const params = { max_depth, min_samples_split: 2, min_gain: 0 };
      const together = [
        await fitClassesTogether(many, labels, 5, params, some),
        await fitNumbersTogether(many, numbers, params, some),
      ];
      expect(together.map((tree) => sha256(jsonOf(tree)))).toEqual([
        sha256(jsonOf(fitClasses(many, labels, 5, params))),
        sha256(jsonOf(fitNumbers(many, numbers, params))),
      ]);
    },
  );

  it('make it also where more cuts tie than are kept, over more columns than a node has pieces', async () => {
    const rows = 4000;
    const [even, odd] = [columns[1]!, columns[0]!].map((column) => column.slice(0, rows));
    const many = upTo(400).map((c) => (c % 3 === 0 ? odd! : even!));
    const few = Float64Array.from(even!, (value, row) => (value % 2) + (row % 2));
    const params = { max_depth: 6, min_samples_split: 2, min_gain: 0 };
    const alone = [
      fitClasses(many, labels.slice(0, rows), 5, params),
      fitNumbers(many, few, params),
    ];
    const together = [
      await fitClassesTogether(many, labels.slice(0, rows), 5, params, helpers),
      await fitNumbersTogether(many, few, params, helpers),
    ];
    expect(together.map((tree) => sha256(jsonOf(tree)))).toEqual(
      alone.map((tree) => sha256(jsonOf(tree))),
    );
  });

  it('tell how far they are, all together', async () => {
    const seen: number[] = [];
    const [[, params]] = knobs as [[string, TreeParams]];
    await fitClassesTogether(columns, labels, 5, params, helpers, (_, rows) =>
      seen.push(rows ?? 0),
    );
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBeLessThanOrEqual(ROWS);
    expect(seen.at(-1)).toBeGreaterThan(ROWS / 10);
  });

  it('fail the fit when one of them fails, and are started again for the next', async () => {
    const broken = helpers.help({ step: 'sort', rows: {} as never });
    await expect(broken).rejects.toThrow('undefined');
    const [, [, params]] = knobs as [unknown, [string, TreeParams]];
    const tree = await fitClassesTogether(columns, labels, 5, params, helpers);
    expect(sha256(jsonOf(tree))).toBe(sha256(jsonOf(fitClasses(columns, labels, 5, params))));
  });

  it('are as many as the environment says, or as there are cores', () => {
    expect(trainThreads({ RETRAIN_TRAIN_THREADS: '3' })).toBe(3);
    expect(trainThreads({})).toBe(availableParallelism());
    expect(() => trainThreads({ RETRAIN_TRAIN_THREADS: 'many' })).toThrow(
      /^RETRAIN_TRAIN_THREADS is "many": set it to a number of threads from 1 to 1024/,
    );
  });
});
