import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BadData } from '../../../contract/failures.ts';
import { scoreNumbers } from '../../../pipeline/scoring/number-scores.ts';

/** What make-metrics.py wrote with scikit-learn and scipy. */
interface Case {
  actual: number[];
  predicted: number[];
  rmse: number;
  mae: number;
  r2: number;
  rmse_interval: [number, number];
  mae_interval: [number, number];
}

const fixture = new URL('../fixtures/metrics.json', import.meta.url);
const { numbers } = JSON.parse(readFileSync(fixture, 'utf8')) as { numbers: Case[] };

const scoreOf = (actual: number[], predicted: number[]) =>
  scoreNumbers(Float64Array.from(actual), Float64Array.from(predicted));

/** Close to a number by its own size. */
const near = (value: number, share = 1e-12) =>
  expect.toSatisfy(
    (found: number) => Math.abs(found - value) <= share * Math.abs(value),
    `about ${value}`,
  ) as number;

describe('scoreNumbers', () => {
  it.each(numbers)('agrees with scikit-learn and scipy on case %#', (expected) => {
    const { actual, predicted, rmse, mae, r2, rmse_interval, mae_interval } = expected;
    expect(scoreOf(actual, predicted)).toMatchObject({
      rows: actual.length,
      rmse: near(rmse),
      mae: near(mae),
      r2: expect.closeTo(r2, 12) as number,
      rmse_low: near(rmse_interval[0], 2e-5),
      rmse_high: near(rmse_interval[1], 2e-5),
      mae_low: near(mae_interval[0], 2e-5),
      mae_high: near(mae_interval[1], 2e-5),
    });
  });

  it('counts every row in a square whose bounds hold it', () => {
    const { agreement } = scoreOf([0, 5, 10, 10], [0, 10, 9.9, 5])!;
    expect(agreement.edges).toHaveLength(21);
    expect([agreement.edges[0], agreement.edges.at(-1)]).toEqual([0, 10]);
    expect(agreement.matrix.flat().reduce((a, b) => a + b)).toBe(4);
    expect([agreement.matrix[0]![0], agreement.matrix[10]![19], agreement.matrix[19]![10]]).toEqual(
      [1, 1, 1],
    );
  });

  it('has no interval and no share of the variance of one row, and one square for one number', () => {
    expect(scoreOf([3], [1])).toEqual({
      rows: 1,
      rmse: 2,
      mae: 2,
      agreement: expect.objectContaining({}) as object,
    });
    expect(scoreOf([3, 3], [3, 3])!.agreement).toEqual({ edges: [3, 3], matrix: [[2]] });
  });

  it('of equal numbers explains all or nothing, also of those whose mean is rounded', () => {
    expect(scoreOf([0.1, 0.1, 0.1], [0.1, 0.1, 0.1])!.r2).toBe(1);
    expect(scoreOf([0.1, 0.1, 0.1], [0.1, 0.1, 0.11])!.r2).toBe(0);
  });

  it('stays finite where squares of errors would not, and refuses what has none', () => {
    const far = scoreOf([1e150, -1e150, 0], [-1e150, 1e150, 0])!;
    expect(far.rmse_high).toBeLessThan(Infinity);
    expect(() => scoreOf([0, 1e200], [0, 0])).toThrow(BadData);
    expect(() => scoreOf([0, 1e200], [0, 0])).toThrow('test row 2 has the target 1e+200');
  });

  it('says nothing of no rows, and refuses predictions for other rows', () => {
    expect(scoreOf([], [])).toBeNull();
    expect(() => scoreOf([1], [])).toThrow('0 predictions for 1 rows');
  });
});
