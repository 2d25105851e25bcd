import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_BITS, bounded } from '../../pipeline/features/buckets.ts';
import { countCoarse, FINE } from '../../pipeline/features/count-coarse.ts';
import { countNumbers } from '../../pipeline/features/count-numbers.ts';
import { HIGH_BITS, orderOf, wordOf } from '../../pipeline/features/high-word.ts';
import { sortWords } from '../../pipeline/features/sort-words.ts';
import { tallyNumbers } from '../../pipeline/features/number-tally.ts';

const any = fc.double({ noDefaultInfinity: true }).map((value) => value + 0);
/** Neighbours that differ in the last bits only, values that cutting makes 0, and some of each sign. */
const awkward = fc.oneof(
  any,
  fc.nat(40).map((i) => 1 + i * Number.EPSILON),
  fc.integer({ min: -20, max: 20 }).map((i) => i * Number.MIN_VALUE + 0),
  fc.integer({ min: -50, max: 50 }).map((i) => i / 8 + 0),
);

describe('countNumbers', () => {
  it('gives the buckets of the tally of all values', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.array(awkward, { maxLength: 200 }), fc.array(any, { maxLength: 200 })),
        fc.integer({ min: 1, max: 40 }),
        (list, limit) => {
          const values = Float64Array.from(list);
          const known = values.filter((value) => !Number.isNaN(value));
          const { missing, ...found } = countNumbers(values, limit);
          expect(found).toEqual(bounded({ bits: ALL_BITS, values: tallyNumbers(known) }, limit));
          expect(missing).toBe(values.length - known.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

it.each([
  ['spread over many exponents', (i: number) => Math.tan(i) * 1e3],
  ['close together', (i: number) => 1 + i * 1e-9],
  ['decimals', (i: number) => ((i * 7919) % 100_003) / 100 - 400],
  ['of every size there is', (i: number) => (i % 2 ? -1 : 1) * 2 ** ((i * 37) % 2000) * 2 ** -1000],
])('countNumbers gives the buckets of many values, %s', (_, valueOf) => {
  const values = Float64Array.from({ length: 30_000 }, (__, i) =>
    i % 50 ? valueOf(i) : Number.NaN,
  );
  const known = values.filter((value) => !Number.isNaN(value));
  for (const limit of [100, 10_000]) {
    const { missing, ...found } = countNumbers(values, limit);
    expect(found).toEqual(bounded({ bits: ALL_BITS, values: tallyNumbers(known) }, limit));
    expect(missing).toBe(600);
  }
});

describe('countCoarse', () => {
  it('counts by the first bits, in the order of the values', () => {
    const few = fc.double({ min: -1e4, max: 1e4, noNaN: true }).map((value) => value + 0);
    fc.assert(
      fc.property(fc.array(fc.oneof(awkward, few), { maxLength: 200 }), (list) => {
        const values = Float64Array.from(list);
        const known = values.filter((value) => !Number.isNaN(value));
        const high = new DataView(new ArrayBuffer(8));
        const orders = Array.from(known, (value) => {
          high.setFloat64(0, value);
          return orderOf(((high.getUint32(0) >>> (HIGH_BITS - FINE)) << (HIGH_BITS - FINE)) >>> 0);
        });
        const found = countCoarse(values);
        const tally = found && {
          distinct: Float64Array.from(found.distinct),
          times: Float64Array.from(found.counts),
        };
        const heads = new Set(orders.map((order) => wordOf(order) >>> HIGH_BITS));
        const expected = tallyNumbers(Float64Array.from(orders));
        expect(tally).toEqual(heads.size > 256 ? null : expected);
      }),
    );
  });
});

describe('sortWords', () => {
  it('sorts as a typed array does', () => {
    const word = fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(fc.array(word), (list) => {
        const words = Uint32Array.from(list);
        sortWords(words);
        expect(words).toEqual(Uint32Array.from(list).sort());
      }),
    );
  });
});
