import { describe, expect, it } from 'vitest';
import { hasOddMajority, computeDifferenceInterval } from '../../../pipeline/scoring/intervals.ts';

describe("McNemar's test", () => {
  // Two-sided exact p by scipy.stats.binomtest(min(b, c), b + c): 0.0625, 0.03125, 0.0414, 0.0784.
  it.each([
    [0, 5, false],
    [0, 6, true],
    [5, 15, true],
    [6, 15, false],
    [0, 0, false],
    [7, 7, false],
  ])('of %i and %i rows: %s', (gained, lost, odd) => {
    expect(hasOddMajority(gained, lost)).toBe(odd);
    expect(hasOddMajority(lost, gained)).toBe(odd);
  });

  it('of many rows agrees with the normal distribution where the exact one ends', () => {
    const smallest = (rows: number): number => {
      for (let more = Math.ceil(rows / 2); ; more++)
        if (hasOddMajority(more, rows - more)) return more - rows / 2;
    };
    expect(Math.abs(smallest(1_000) - smallest(1_002))).toBeLessThanOrEqual(1);
  });
});

describe("Student's interval of differences", () => {
  it('is that of scipy.stats.t.interval(0.95, 3, mean, sem)', () => {
    const [low, high] = computeDifferenceInterval([1, 2, 3, 6]);
    expect([low, high].map((value) => value.toFixed(4))).toEqual(['-0.4374', '6.4374']);
  });

  it('is everything for a single difference, and a point for equal ones', () => {
    expect(computeDifferenceInterval([1])).toEqual([-Infinity, Infinity]);
    expect(computeDifferenceInterval([2, 2, 2])).toEqual([2, 2]);
  });
});
