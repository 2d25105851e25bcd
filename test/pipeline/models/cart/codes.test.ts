import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ascending } from '../../../../pipeline/argsort.ts';
import { codeColumn, CodeSorter, limitValues } from '../../../../pipeline/models/cart/codes.ts';
import { upTo } from '../trees.ts';

const value = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.constantFrom(-0, 0, Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53 + 2),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

describe('codeColumn', () => {
  it('codes each row by the rank of its value, and names a row for each code', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), (values) => {
        const column = Float64Array.from(values);
        const ids = ascending(new Int32Array(values.length)).reverse();
        const distinct = [...new Set(values.map((each) => each + 0))].sort((a, b) => a - b);
        const { codes, samples, ...coded } = codeColumn(column, ids, distinct.length)!;
        expect(coded.values).toBe(distinct.length);
        expect(Array.from(codes, (code) => distinct[code])).toEqual(
          Array.from(ids, (row) => column[row]! + 0),
        );
        expect(Array.from(samples, (row) => column[row]! + 0)).toEqual(distinct);
      }),
    );
  });

  it('codes no column with one value too many', () => {
    const column = Float64Array.from(upTo(5000), (i) => (i % 100) / 7);
    const ids = ascending(new Int32Array(5000));
    expect(codeColumn(column, ids, 100)?.values).toBe(100);
    expect(codeColumn(column, ids, 99)).toBeNull();
  });

  it('codes nothing in a small table', () => {
    expect(limitValues(1000, 2)).toBe(0);
    expect(codeColumn(new Float64Array(1000), ascending(new Int32Array(1000)), 0)).toBeNull();
  });
});

describe('CodeSorter', () => {
  it('sorts rows by code, keeps the order of equal ones, and ranks the codes that occur', () => {
    const sorter = new CodeSorter(300);
    fc.assert(
      fc.property(fc.array(fc.nat(40), { minLength: 1, maxLength: 250 }), (values) => {
        const rows = values.length;
        const [order, ranks] = [new Int32Array(rows), new Int32Array(rows)];
        // The rows come after another, and are listed from the last to the first.
        const codes = Uint16Array.from([7, ...values]);
        const list = Int32Array.from([0, ...upTo(rows).map((i) => rows - i)]);
        const listed = values.toReversed();
        const found = sorter.sort(codes, list, 1, rows + 1, 41, order);
        sorter.rank(rows, ranks);
        const distinct = [...new Set(values)].sort((a, b) => a - b);
        expect(found).toBe(distinct.length);
        expect([...order]).toEqual(upTo(rows).sort((a, b) => listed[a]! - listed[b]! || a - b));
        expect(Array.from(ranks, (rank) => distinct[rank])).toEqual(listed);
      }),
    );
  });
});
