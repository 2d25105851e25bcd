import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { warnOfContradictions } from '../../../pipeline/features/contradictions.ts';

/** Two features and a label, or a number to predict. */
type Row = readonly [a: number, b: number, label: string | number];

function warn(batches: readonly (readonly Row[])[]): string[] {
  const rows = batches.flat();
  const labels = rows.map(([, , label]) => label);
  const areNumbers = labels.some((label) => typeof label === 'number');
  return warnOfContradictions(
    {
      rows: rows.length,
      names: ['a', 'b'],
      columns: [0, 1].map((i) => Float64Array.from(rows, (row) => Number(row[i]))),
      labels: areNumbers ? [] : labels.map(String),
      targets: areNumbers ? Float64Array.from(labels, Number) : undefined,
      dropped: 0,
    },
    batches.map(({ length }) => length),
  );
}

/** The same, by a comparison of each row with each other row. */
function findRepeated(batches: readonly (readonly Row[])[]): { batch: number; rows: number } {
  const none = { batch: 0, rows: 0 };
  const newest = batches.at(-1) ?? [];
  const repeats = (one: Row, other: Row): boolean => one[0] === other[0] && one[1] === other[1];
  const agrees = (one: Row, other: Row): boolean => repeats(one, other) && one[2] === other[2];
  const different = newest.filter(
    (row, i) => newest.findIndex((other) => repeats(row, other)) === i,
  ).length;
  const isMostlyDifferent = different >= 0.9 * newest.length;
  if (!isMostlyDifferent && typeof newest[0]?.[2] === 'number') return none;
  const clear = newest.filter((row) =>
    newest.every((other) => !repeats(row, other) || agrees(row, other)),
  );
  const found = batches.slice(0, -1).map((earlier, i) => ({
    batch: i + 1,
    rows: clear.filter(
      (row) =>
        earlier.some((other) => repeats(row, other)) &&
        !earlier.some((other) => agrees(row, other)),
    ).length,
  }));
  const worst = found.reduce((most, one) => (one.rows > most.rows ? one : most), none);
  return worst.rows < (isMostlyDifferent ? 1 : 0.1 * newest.length) ? none : worst;
}

const sentence = (
  { batch, rows }: { batch: number; rows: number },
  newest: number,
  what: string,
) =>
  rows === 0
    ? []
    : [
        `batch ${newest} repeats ${rows} train ${rows === 1 ? 'row' : 'rows'} of batch ${batch} with another ${what}, ` +
          `and both ${what}s are learnt: if it corrects batch ${batch}, replace that batch with "npx retrain amend ${batch} --source FILE"`,
      ];

const batchesOf = (label: fc.Arbitrary<string | number>) =>
  fc.integer({ min: 1, max: 40 }).chain((most) => {
    const row = fc.tuple(
      fc.nat(most).map((i) => i / 8),
      fc.constantFrom(0, 1e9, -0.5),
      label,
    );
    return fc.array(fc.array(row, { maxLength: 30 }), { maxLength: 4 });
  });

describe('a batch that repeats rows of an earlier one with other labels', () => {
  it.each([
    ['label', batchesOf(fc.constantFrom('p', 'q', 'r'))],
    ['number', batchesOf(fc.constantFrom(1, 2, 3))],
  ])('is reported as a comparison of each row with each other finds it (%s)', (what, some) => {
    fc.assert(
      fc.property(some, (batches) => {
        // Without a row, nothing says what is predicted.
        fc.pre(batches.flat().length > 0);
        expect(warn(batches)).toEqual(sentence(findRepeated(batches), batches.length, what));
      }),
      { numRuns: 300 },
    );
  });

  const many = (rows: number, values: number, label = 'p'): Row[] =>
    Array.from({ length: rows }, (_, i) => [i % values, 0, label]);

  it('counts where nine of ten rows differ, or where one row of ten contradicts', () => {
    const one: Row[] = [[0, 0, 'q']];
    expect(warn([one, many(20, 18)])).toHaveLength(1);
    expect(warn([one, many(20, 17)])).toHaveLength(1);
    expect(warn([one, many(30, 13)])).toHaveLength(1);
    expect(warn([one, many(21, 18)])).toEqual([]);
    expect(warn([[[0, 0, 2]], many(20, 17).map(([a, b]): Row => [a, b, 1])])).toEqual([]);
  });

  it('is nothing where there is no earlier batch, and no row', () => {
    expect(warn([])).toEqual([]);
    expect(warn([many(3, 3)])).toEqual([]);
    expect(warn([many(3, 3), []])).toEqual([]);
  });

  it('has no other rows, also where rows are so many that some have the same hash', () => {
    const rows = (from: number, label: string): Row[] =>
      Array.from({ length: 100_000 }, (_, i) => [Math.sqrt(from + i), 0, label]);
    expect(warn([rows(200_000, 'q'), rows(0, 'p')])).toEqual([]);
    expect(warn([rows(0, 'q'), rows(0, 'p')])).toEqual(
      sentence({ batch: 1, rows: 100_000 }, 2, 'label'),
    );
  });
});
