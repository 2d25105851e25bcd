import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TiedCuts } from '../../../../pipeline/models/cart/tied-cuts.ts';

/** Scores that tie to within rounding, and some that do not. */
const score = fc.oneof(
  { weight: 6, arbitrary: fc.nat(8).map((i) => 1 + i * 3e-10) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0.5, 1.5) },
);

const offerAll = (cuts: TiedCuts, scores: readonly number[]): void => {
  scores.forEach((each, i) => {
    if (each >= cuts.bounds[1]!) cuts.offer(i % 7, i, each);
  });
};

describe('tied cuts', () => {
  it('keeps the first cuts that tie with the best, after any earlier cuts', () => {
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 700 }), (scores) => {
        const cuts = new TiedCuts();
        offerAll(cuts, scores);
        const best = Math.max(...scores);
        expect(cuts.bounds[0]).toBe(best);
        if (cuts.isCrowded) {
          cuts.clear(best);
          offerAll(cuts, scores);
        }
        const least = cuts.bounds[1]!;
        const tied = scores.flatMap((each, i) => (each >= least ? [i] : []));
        const kept = [...cuts.cuts.subarray(0, cuts.size)].filter(
          (_, i) => cuts.scores[i]! >= least,
        );
        expect(kept).toEqual(tied.slice(0, 256));
      }),
    );
  });

  it('keep the right ones in a second scan when the first had no room for them', () => {
    // Each score ties with the one before it, and the last does not tie with the first.
    const scores = [...Array.from({ length: 256 }, () => 1), 1 + 0.9e-9, 1 + 1.8e-9];
    const cuts = new TiedCuts();
    expect(cuts.isCrowded).toBe(false);
    offerAll(cuts, scores);
    expect(cuts.isCrowded).toBe(true);
    expect(cuts.clear(cuts.bounds[0]!)).toBe(cuts.bounds[1]);
    offerAll(cuts, scores);
    expect(cuts.isCrowded).toBe(false);
    expect([...cuts.cuts.subarray(0, cuts.size)]).toEqual([256, 257]);
  });

  it('forget those that no longer tie with the best, and only those', () => {
    const kept = (scores: readonly number[]): number[] => {
      const cuts = new TiedCuts();
      offerAll(cuts, scores);
      return [...cuts.cuts.subarray(0, cuts.size)];
    };
    expect(kept([1, 2])).toEqual([1]);
    expect(kept([2 * (1 - 1e-9), 2])).toEqual([0, 1]);
  });
});
