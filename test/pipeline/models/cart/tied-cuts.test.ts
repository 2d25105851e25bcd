import * as fc from 'fast-check';
import { expect, it } from 'vitest';
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
      const kept = [...cuts.cuts.subarray(0, cuts.size)].filter((_, i) => cuts.scores[i]! >= least);
      expect(kept).toEqual(tied.slice(0, 256));
    }),
  );
});
