import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoreClasses } from '../../../pipeline/scoring/class-scores.ts';
import { scoreNumbers } from '../../../pipeline/scoring/number-scores.ts';
import { boundClassScores, boundR2 } from '../../../pipeline/scoring/score-intervals.ts';
import { Random } from '../../../pipeline/scoring/gate/random.ts';

const NAMES = ['balanced_accuracy', 'precision_macro', 'recall_macro', 'f1_macro'] as const;

describe('the intervals of scores of classes', () => {
  it('hold the score, are within 0 and 1, and are the same again', () => {
    const label = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(fc.tuple(label, label), { minLength: 1, maxLength: 40 }), (rows) => {
        const scores = scoreClasses(
          rows.map(([actual]) => actual),
          rows.map(([, predicted]) => predicted),
          ['a', 'b'],
        )!;
        const bounds = boundClassScores(scores);
        for (const name of NAMES) {
          const [low, high] = [bounds[`${name}_low`]!, bounds[`${name}_high`]!];
          expect(low).toBeGreaterThanOrEqual(0);
          expect(low).toBeLessThanOrEqual(scores[name]);
          expect(high).toBeGreaterThanOrEqual(scores[name]);
          expect(high).toBeLessThanOrEqual(1);
        }
        expect(boundClassScores(scores)).toEqual(bounds);
      }),
      { numRuns: 30 },
    );
  });

  it('are as wide for few rows without an error as that of the accuracy', () => {
    const labels = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'];
    const scores = scoreClasses(labels, labels, ['a', 'b'])!;
    expect(boundClassScores(scores)).toMatchObject({
      f1_macro_low: scores.accuracy_low,
      f1_macro_high: 1,
    });
    expect(scores.accuracy_low).toBeLessThan(0.7);
  });

  it('hold the true score in about 95 of 100 samples', () => {
    // Both classes are predicted correctly with probability 3/4 and 7/8: the balanced accuracy is 0.8125.
    const random = new Random([1]);
    const samples = 200;
    const held = Array.from({ length: samples }, () => {
      const actual = Array.from({ length: 80 }, (_, i) => (i % 4 === 0 ? 'a' : 'b'));
      const predicted = actual.map((label) => {
        const isRight = random.word() / 2 ** 32 < (label === 'a' ? 0.75 : 0.875);
        return isRight ? label : label === 'a' ? 'b' : 'a';
      });
      const bounds = boundClassScores(scoreClasses(actual, predicted, ['a', 'b'])!);
      return (
        bounds['balanced_accuracy_low']! <= 0.8125 && bounds['balanced_accuracy_high']! >= 0.8125
      );
    }).filter(Boolean).length;
    expect(held / samples).toBeGreaterThan(0.9);
    expect(held / samples).toBeLessThan(1);
  });
});

describe('the interval of r2', () => {
  it('holds the score', () => {
    const actual = Float64Array.from({ length: 50 }, (_, i) => i);
    const predicted = actual.map((value, i) => value + (i % 5) - 2);
    const { r2 } = scoreNumbers(actual, predicted)!;
    const { r2_low, r2_high } = boundR2(actual, predicted);
    expect(r2_low).toBeLessThan(r2!);
    expect(r2_high).toBeGreaterThan(r2!);
    expect(r2_high).toBeLessThanOrEqual(1);
  });

  it('is not there where r2 says nothing', () => {
    expect(boundR2(Float64Array.of(1, 2), Float64Array.of(1, 2))).toEqual({});
    expect(boundR2(Float64Array.of(2, 2, 2), Float64Array.of(1, 2, 3))).toEqual({});
  });
});
