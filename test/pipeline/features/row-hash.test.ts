import { table } from 'arquero';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashRows, TrainedRows, type RowHashes } from '../../../pipeline/features/row-hash.ts';
import { partToArrow, type PartColumn } from '../../../pipeline/features/part.ts';

type Cells = (number | null)[] | (string | null)[];

/** A part with these features, and another label for each row. */
function hash(features: Record<string, Cells>, derived: string[] = []): bigint[] {
  return listHashes(hashRows(makePart(features), new Set(derived)));
}

function makePart(features: Record<string, Cells>): Uint8Array {
  const rows = Object.values(features)[0]!.length;
  const columns = Object.entries(features).map(([name, cells]): PartColumn => ({
    name,
    type: cells.some((cell) => typeof cell === 'string') ? 'category' : 'number',
  }));
  const label = Array.from({ length: rows }, (_, i) => `label ${i}`);
  return partToArrow({
    features: columns,
    label: { name: 'label', type: 'category' },
    table: table({ ...features, label }),
  });
}

function listHashes({ low, high }: RowHashes): bigint[] {
  return Array.from(low, (value, i) => (BigInt(high[i]!) << 32n) | BigInt(value));
}

// A few values again and again, so that whole rows are equal.
const number = fc.option(fc.oneof(fc.constantFrom(0, -0, 1.5), fc.double({ noNaN: true })), {
  freq: 4,
});
const word = fc.option(fc.oneof(fc.constantFrom('', 'a'), fc.string({ maxLength: 5 })), {
  freq: 4,
});
const tables = fc.array(fc.tuple(number, number, word), { minLength: 1, maxLength: 40 });
type Rows = [number | null, number | null, string | null][];
const columnsOf = (rows: Rows) => ({
  a: rows.map(([a]) => a),
  b: rows.map(([, b]) => b),
  // A column of words, even where all of these are missing.
  c: ['word', ...rows.map(([, , c]) => c)].slice(1) as Cells,
});

describe('the hash of a row', () => {
  it('is equal for equal cells alone, whatever the label', () => {
    fc.assert(
      fc.property(tables, (rows) => {
        const clean = (value: number | null): number | null => (value === null ? null : value + 0);
        const cells = rows.map(([a, b, c]) => JSON.stringify([clean(a), clean(b), c]));
        const hashes = hash(columnsOf(rows));
        expect(hashes.map((one) => hashes.indexOf(one))).toEqual(
          cells.map((one) => cells.indexOf(one)),
        );
      }),
    );
  });

  it('does not depend on the order of the columns, nor on a later column without a value', () => {
    fc.assert(
      fc.property(tables, (rows) => {
        const { a, b, c } = columnsOf(rows);
        const later = rows.map(() => null);
        expect(hash({ c, b, a, later })).toEqual(hash({ a, b, c }));
      }),
    );
  });

  it('differs where a value is in another column', () => {
    expect(hash({ a: [1], b: [2] })).not.toEqual(hash({ a: [2], b: [1] }));
    expect(hash({ a: ['x', null], b: [null, 'x'] })[0]).not.toBe(
      hash({ a: ['x', null], b: [null, 'x'] })[1],
    );
  });

  it('takes -0 for 0, and leaves parts of dates out', () => {
    expect(hash({ a: [-0] })).toEqual(hash({ a: [0] }));
    expect(hash({ a: [3], 'a.year': [1970] }, ['a.year'])).toEqual(hash({ a: [3] }));
  });

  it('is the same in every version of this program', () => {
    expect(hash({ size: [1.5, null], colour: ['red', 'größer'] }).map(String))
      .toMatchInlineSnapshot(`
      [
        "7353312536308399865",
        "5294450451811627992",
      ]
    `);
  });

  it('is there for a part without rows', () => {
    expect(hash({ a: [] })).toEqual([]);
  });
});

describe('rows that a model was trained on', () => {
  it('are those whose cells a train row has, in every part', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(30))), fc.array(fc.array(fc.nat(30))), (test, train) => {
        const hashes = (rows: number[]) => hashRows(makePart({ a: rows }), new Set());
        const found = new TrainedRows(test.map(hashes));
        for (const rows of train) found.mark(hashes(rows));
        const known = new Set(train.flat());
        expect(found.flags().map((flags) => [...flags])).toEqual(
          test.map((rows) => rows.map((row) => Number(known.has(row)))),
        );
      }),
    );
  });

  it('are those with both halves of a hash', () => {
    const half = fc.nat(3);
    const some = fc.array(fc.tuple(half, half));
    const hashes = (pairs: [number, number][]): RowHashes => ({
      low: Uint32Array.from(pairs, ([low]) => low),
      high: Uint32Array.from(pairs, ([, high]) => high),
    });
    fc.assert(
      fc.property(some, some, (test, train) => {
        const found = new TrainedRows([hashes(test)]);
        found.mark(hashes(train));
        const known = new Set(train.map(String));
        expect([...found.flags()[0]!]).toEqual(test.map((pair) => Number(known.has(String(pair)))));
      }),
    );
  });
});
