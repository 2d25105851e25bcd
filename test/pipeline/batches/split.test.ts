import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EncodedBatch } from '../../../pipeline/features/encode.ts';
import type { Part } from '../../../pipeline/features/part.ts';
import { table as makeTable } from 'arquero';
import { hashRow, isTestRow, splitRows, splitRowsByTime } from '../../../pipeline/batches/split.ts';
import { paramsSchema } from '../../../pipeline/models/params.ts';
import { cellsOf, csv, encode, mixed, mixedColumns, mixedRows } from '../support.ts';

const cell = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.string(),
  fc.constant(null),
);

/** The rows of a part without their labels, as text. */
function featuresOf({ features, table }: Part): string[] {
  const columns = features.map(({ name }) => table.array(name));
  return Array.from({ length: table.numRows() }, (_, row) =>
    JSON.stringify(columns.map((cells) => cells[row] as unknown)),
  );
}

/** The rows of a part as sorted text, to compare parts without regard to the order of their rows. */
function rowsOf(part: Part): string[] {
  const columns = Object.values(cellsOf(part));
  return Array.from(columns[0]!, (_, row) =>
    JSON.stringify(columns.map((cells) => cells[row])),
  ).sort();
}

describe('hashRow', () => {
  it('never changes', () => {
    expect(hashRow([5.1, 3.5, 1.4, 0.2])).toMatchInlineSnapshot(`0.43319313655377467`);
    expect(hashRow(['a', null, 1e-7, '😀"\n'])).toMatchInlineSnapshot(`0.49458063492662363`);
    expect(hashRow([])).toMatchInlineSnapshot(`0.595825371354332`);
  });

  it('tells apart numbers, words and missing cells', () => {
    const rows = [
      [1],
      ['1'],
      [null],
      ['null'],
      [''],
      ['', ''],
      ['1,1'],
      [1, 1],
      ['a', 'b'],
      ['ab'],
    ];
    expect(new Set(rows.map(hashRow)).size).toBe(rows.length);
  });

  it('makes a row a test row only below the share', () => {
    const share = hashRow([1, 'a']);
    expect([isTestRow([1, 'a'], share), isTestRow([1, 'a'], share + 1e-9)]).toEqual([false, true]);
  });

  it('spreads rows evenly', () => {
    let test = 0;
    for (let i = 0; i < 20_000; i++) if (isTestRow([i, 'x'], 0.2)) test++;
    // Four standard deviations.
    expect(Math.abs(test - 4000)).toBeLessThan(4 * Math.sqrt(20_000 * 0.2 * 0.8));
  });

  it('only moves rows to the test side as the test share grows', () => {
    fc.assert(
      fc.property(
        fc.array(cell),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (cells, a, b) => {
          const [less, more] = [Math.min(a, b), Math.max(a, b)];
          expect(isTestRow(cells, less) && !isTestRow(cells, more)).toBe(false);
        },
      ),
    );
  });
});

describe('the split of a batch', () => {
  it('asks the cells of the key alone, and leaves out rows without a label', () => {
    const row = fc.tuple(cell, cell, fc.constantFrom('p', null));
    fc.assert(
      fc.property(fc.array(row), fc.constantFrom([0], [0, 1]), (rows, key) => {
        const names = ['a', 'b', 'y'];
        const columns = names.map((name, c) => [name, rows.map((cells) => cells[c]!)] as const);
        const batch = makeTable([['row', rows.map((_, i) => i)], ...columns]);
        const split = splitRows(
          batch,
          key.map((c) => names[c]!),
          'y',
          0.4,
        );
        const take = (test: boolean): number[] =>
          rows.flatMap((cells, i) => {
            const asked = key.map((c) => cells[c]!);
            return cells[2] !== null && isTestRow(asked, 0.4) === test ? [i] : [];
          });
        expect([...split.test.array('row')]).toEqual(take(true));
        expect([...split.train.array('row')]).toEqual(take(false));
      }),
    );
  });

  it('never moves a row as data grows or rows change places', () => {
    fc.assert(
      fc.property(mixedRows, mixedRows, fc.gen(), (rows, later, gen) => {
        const before = encode(mixed(rows), mixedColumns);
        const all = gen(() =>
          fc.shuffledSubarray([...rows, ...later], { minLength: rows.length + later.length }),
        );
        const after = encode(mixed(all), mixedColumns);
        const added = encode(mixed(later), mixedColumns);
        for (const side of ['train', 'test'] as const) {
          const expected = [...rowsOf(before[side]), ...rowsOf(added[side])].sort();
          expect(rowsOf(after[side])).toEqual(expected);
        }
      }),
    );
  });

  it('keeps equal rows on one side, however they are spelled and labelled', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom('a', 'b'),
        (n, word) => {
          const rows = [`${n},${word},p`, ` ${n} , ${word},q`, `${n.toExponential()},${word} ,r`];
          const { train, test } = encode(csv(`n,c,y\n${rows.join('\n')}\n`), [
            { name: 'n', type: 'number' },
            { name: 'c', type: 'category' },
            { name: 'y', type: 'category' },
          ]);
          expect(Math.min(train.table.numRows(), test.table.numRows())).toBe(0);
        },
      ),
    );
  });

  it('keeps rows of one key on one side, an ignored column included', () => {
    fc.assert(
      fc.property(mixedRows, (rows) => {
        const sideOf = new Map<string, boolean>();
        for (const row of rows.filter(([, , , , y]) => y !== '')) {
          const { test } = encode(mixed([row]), mixedColumns, { key: ['id'] });
          const known = sideOf.get(row[0]!);
          const isTest = test.table.numRows() === 1;
          expect(isTest).toBe(known ?? isTest);
          sideOf.set(row[0]!, isTest);
        }
      }),
    );
  });
});

describe('the share of test rows', () => {
  it.each([
    [0, 0],
    [1, 200],
  ])('of %d holds out none or all: %i of 200 rows', (testSize, expected) => {
    const rows = Array.from({ length: 200 }, (_, i) => [i, `row ${i}`]);
    expect(rows.filter((cells) => isTestRow(cells, testSize))).toHaveLength(expected);
  });

  it.each([0, 1, -0.1, 1.1])('cannot be %d in params.yaml', (testSize) => {
    const parsed = paramsSchema.safeParse({ split: { test_size: testSize } });
    expect(parsed.error?.issues[0]?.path).toEqual(['split', 'test_size']);
  });
});

describe('the split by time', () => {
  const timed = (rows: string[][], column: string, testSize = 0.3): EncodedBatch =>
    encode(mixed(rows), mixedColumns, { timeColumn: column, testSize });
  const timesOf = (part: Part, column: string): (number | null)[] =>
    cellsOf(part)[column] as (number | null)[];

  it('holds out the newest share of the rows that have a label', () => {
    fc.assert(
      fc.property(mixedRows, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (rows, size) => {
        const { train, test } = timed(rows, 'n', size);
        const known = (part: Part): number[] => timesOf(part, 'n').filter((at) => at !== null);
        expect(timesOf(test, 'n')).not.toContain(null);
        const oldest = known(test).reduce((a, b) => Math.min(a, b), Infinity);
        const newest = known(train).reduce((a, b) => Math.max(a, b), -Infinity);
        expect(newest).toBeLessThanOrEqual(oldest);
        const labelled = train.table.numRows() + test.table.numRows();
        expect(test.table.numRows()).toBeLessThanOrEqual(Math.round(size * labelled));
      }),
    );
  });

  it('does not depend on the order of the rows, and keeps equal rows together', () => {
    fc.assert(
      fc.property(mixedRows, fc.gen(), (rows, gen) => {
        const all = gen(() => fc.shuffledSubarray(rows, { minLength: rows.length }));
        const [one, other] = [timed(rows, 'n'), timed(all, 'n')];
        for (const side of ['train', 'test'] as const)
          expect(rowsOf(one[side])).toEqual(rowsOf(other[side]));
        const held = new Set(featuresOf(one.test));
        expect(featuresOf(one.train).filter((row) => held.has(row))).toEqual([]);
      }),
    );
  });

  it('only moves rows to the test side as the test share grows', () => {
    fc.assert(
      fc.property(mixedRows, (rows) => {
        const less = rowsOf(timed(rows, 'n', 0.2).test);
        const more = rowsOf(timed(rows, 'n', 0.6).test);
        for (const row of less) expect(more.splice(more.indexOf(row), 1)).toEqual([row]);
      }),
    );
  });

  it('reads a column that is no feature as dates, or else as numbers', () => {
    const split = (times: string[]): (string | null)[] => {
      const rows = times.map((time, i) => [time, String(i), '1', 'a', 'p']);
      return cellsOf(timed(rows, 'id', 0.5).test)['n'] as (string | null)[];
    };
    expect(split(['2024-03-01', '2024-01-01T10:00', '2024-01-01T09:00', '2024-02-01'])).toEqual([
      0, 3,
    ]);
    expect(split(['10', '9', '', '100'])).toEqual([0, 3]);
    expect(() => split(['2024-03-01', 'soon', '7'])).toThrow(
      'batch 1, row 2 (line 3), column "id": "soon" is not a date (ISO 8601, such as 2024-02-29 or 2024-02-29T12:30), and the rows are split by this column',
    );
  });

  it('breaks ties without the order of the rows, so that a batch of one day has both sides', () => {
    const rows = Array.from({ length: 50 }, (_, i) => ['2024-01-01', String(i), '1', 'a', 'p']);
    expect(timed(rows, 'id', 0.2).test.table.numRows()).toBe(10);
    expect(
      timed(
        rows.map(([, ...rest]) => ['', ...rest]),
        'id',
      ).timeless,
    ).toBe(50);
  });

  it('holds equal rows back from the test side where not all of them fit', () => {
    const count = (cells: string[], times: number[], testSize: number): number => {
      const batch = makeTable({ c: cells, y: cells.map(() => 'p') });
      const how = { key: ['c'], label: 'y', testSize };
      return splitRowsByTime(batch, times, how).test.numRows();
    };
    expect(count(['a', 'b', 'b', 'c'], [3, 2, 2, 1], 0.25)).toBe(1);
    expect(count(['a', 'b', 'b', 'c'], [3, 2, 2, 1], 0.5)).toBe(1);
    expect(count(['a', 'b', 'b', 'c'], [3, 2, 2, 1], 0.75)).toBe(3);
    // With another time or other cells they are not equal.
    expect(count(['a', 'b', 'b', 'c'], [4, 3, 2, 1], 0.5)).toBe(2);
    expect(count(['a', 'b', 'd', 'c'], [3, 2, 2, 1], 0.5)).toBe(2);
    expect(count(['a', 'a', 'a', 'a'], [1, 1, 1, 1], 0.5)).toBe(0);
  });

  it('needs a column that is there and is not the target', () => {
    expect(() => timed([['1', '1', '1', 'a', 'p']], 'day')).toThrow(
      'split.time_column names column "day", which batch 1 does not have, only',
    );
    expect(() => timed([['1', '1', '1', 'a', 'p']], 'y')).toThrow(
      'split.time_column names "y", the target',
    );
  });
});
