import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkArrivedBatch,
  checkBatch,
  checkGrownBatch,
  findPlaces,
  invertPermutation,
  permuteRows,
} from '../../../pipeline/batches/order.ts';
import { sha256 } from '../support.ts';

describe('permuteRows', () => {
  it('never changes', () => {
    expect([...permuteRows(12, 42)]).toMatchInlineSnapshot(`
      [
        0,
        7,
        11,
        10,
        1,
        9,
        2,
        4,
        3,
        6,
        8,
        5,
      ]
    `);
    expect([...permuteRows(12, 0)]).toMatchInlineSnapshot(`
      [
        8,
        6,
        1,
        7,
        5,
        11,
        10,
        2,
        3,
        4,
        9,
        0,
      ]
    `);
    expect([...permuteRows(12, 4_294_967_295)]).toMatchInlineSnapshot(`
      [
        5,
        7,
        4,
        9,
        1,
        2,
        10,
        6,
        0,
        8,
        11,
        3,
      ]
    `);
    expect(sha256(new Uint8Array(permuteRows(100_000, 42).buffer))).toMatchInlineSnapshot(
      `"f3702c2479bacb3dcb215a04c071122c8dc71f8e4e7d373584f38080368c6549"`,
    );
  });

  it('keeps the order of the file without a seed, and then holds no place for each row', () => {
    expect([...permuteRows(4, null)]).toEqual([0, 1, 2, 3]);
    expect(findPlaces(4, null)).toBeNull();
  });

  it('holds every row once', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(4_294_967_295), (n, seed) => {
        expect([...permuteRows(n, seed)].sort((a, b) => a - b)).toEqual([...permuteRows(n, null)]);
      }),
    );
  });

  it('gives each of the six orders of three rows as often', () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const order = permuteRows(3, seed).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('invertPermutation', () => {
  it('gives each row its place', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(99), (n, seed) => {
        const order = permuteRows(n, seed);
        const places = order.slice();
        invertPermutation(places);
        expect([...order].map((row) => places[row])).toEqual([...permuteRows(n, null)]);
      }),
    );
  });
});

describe('a batch', () => {
  it.each<[string, () => void, string, object]>([
    [
      'past the end of a closed source',
      () => checkBatch(99, 150, 50),
      'batch 99 does not exist: the source has 150 rows, which make 3 batches of 50',
      { batch: 99, rows: 150, batches: 3 },
    ],
    [
      'after the only row',
      () => checkBatch(2, 1, 50),
      'batch 2 does not exist: the source has 1 row, which make 1 batch of 50',
      { batch: 2, rows: 1, batches: 1 },
    ],
    [
      'past the end of a table that grows',
      () => checkGrownBatch(4, 12, 3),
      'batch 4 does not exist: the 12 rows of the source make 3 batches so far; run one of these, or add rows to the source',
      { batch: 4, rows: 12, batches: 3 },
    ],
    [
      'whose file has not arrived',
      () => checkArrivedBatch('flowers', 4, 3),
      'batch 4 of flowers has not arrived: its source has files up to batch 3; add a file, or run an earlier batch',
      {},
    ],
  ])('%s is refused', (_, check, message, details) => {
    expect(check).toThrow(expect.objectContaining({ name: 'MissingHistory', message, details }));
  });

  it.each([0, -1, 1.5, Number.NaN])('with the number %d is refused', (batch) => {
    expect(() => checkBatch(batch, 3, 2)).toThrow(
      expect.objectContaining({
        name: 'BadParams',
        message: `batch ${batch} is not a batch number: give a whole number from 1 on`,
      }),
    );
  });

  it('may be any up to the last, which may be short', () => {
    for (const batch of [1, 2]) {
      expect(() => checkBatch(batch, 3, 2)).not.toThrow();
      expect(() => checkGrownBatch(batch, 3, 2)).not.toThrow();
      expect(() => checkArrivedBatch('flowers', batch, 2)).not.toThrow();
    }
  });
});
