import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_BITS, bounded } from '../../pipeline/buckets.ts';
import { countNumbers } from '../../pipeline/count-numbers.ts';
import { sortWords } from '../../pipeline/sort-words.ts';
import { tallyNumbers } from '../../pipeline/tally.ts';

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
