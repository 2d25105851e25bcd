import { describe, expect, it } from 'vitest';
import {
  CLASS_METRICS,
  compareScore,
  findHeadline,
  findMetricSet,
  formatChange,
  formatScore,
  isLimit,
  NOT_SCORES,
  NUMBER_METRICS,
  pickScores,
  type ScoreChange,
} from '../../contract/metric-sets.ts';

describe('a change of a score on the same rows', () => {
  it.each([
    ['accuracy', 0.9, { accuracy: 0.8 }, '+0.1000'],
    ['rmse', 2, { rmse: 1.5, rmse_change: 'worse' }, '+0.5000 worse'],
    ['accuracy', 0.8, { accuracy: 0.8, accuracy_change: 'within noise' }, 'none'],
    ['accuracy', 0.9, { accuracy: 0.8, accuracy_change: 'within noise' }, '+0.1000 within noise'],
    ['accuracy', 0.7, { accuracy: 0.8, accuracy_change: 'worse' }, '−0.1000 worse'],
    // No test has judged it, so it is neither better nor worse.
    ['f1_macro', 0.7, { f1_macro: 0.8, accuracy_change: 'worse' }, '−0.1000'],
    [
      'accuracy',
      0.9,
      { accuracy: 0.8, own_accuracy: 0.7, accuracy_change: 'worse' },
      '−0.1000 worse',
    ],
  ])('%s of %d against %o is %s', (name, now, other, text) => {
    expect(formatChange(compareScore(name, now, other)!)).toBe(text);
  });

  it('is not known where one of the two has no score', () => {
    expect(compareScore('accuracy', undefined, { accuracy: 1 })).toBeUndefined();
    expect(compareScore('accuracy', 1, {})).toBeUndefined();
  });

  it('has both scores, that of this build on the rows that are compared', () => {
    const other = { rmse: 2, own_rmse: 3, rmse_change: 'worse' };
    expect(compareScore('rmse', 9, other)).toEqual({ now: 3, before: 2, by: 1, verdict: 'worse' });
  });
});

it('trackers get scores without bounds of intervals and without other numbers', () => {
  const metrics = {
    schema: 1,
    batch: 2,
    accuracy: 0.9,
    accuracy_low: 0.8,
    accuracy_high: 1,
    is_low: 3,
  };
  expect(pickScores(metrics)).toEqual({ accuracy: 0.9, is_low: 3 });
});

describe('metric sets', () => {
  it('are recognized by their headline', () => {
    expect(findHeadline({ schema: 1, accuracy: 0.9 })).toEqual({ name: 'accuracy', value: 0.9 });
    expect(findHeadline({ mae: 1, rmse: 2 })).toEqual({ name: 'rmse', value: 2 });
    expect(findHeadline({ test_rows: 0 })).toBeUndefined();
    expect(findMetricSet({ test_rows: 0 }).headline).toBe('accuracy');
  });
});

it('a score has four decimals, and five digits where those are too few or too many', () => {
  expect([0, 0.5, 0.001, 0.00099, -0.5, -0.0001, 999_999, 1e6].map(formatScore)).toEqual([
    '0.0000',
    '0.5000',
    '0.0010',
    '0.00099000',
    '−0.5000',
    '−0.00010000',
    '999999.0000',
    '1.0000e+6',
  ]);
});

it('the scores that are listed are scores that are shown', () => {
  for (const { shown, listed, headline, lower } of [CLASS_METRICS, NUMBER_METRICS]) {
    expect(shown).toEqual(expect.arrayContaining([headline, ...lower]));
    expect(shown).toEqual(expect.arrayContaining(listed.map(({ name }) => name)));
    expect(listed[0]!.name).toBe(headline);
  }
  expect(NUMBER_METRICS).toMatchObject({ shares: false, shown: ['rmse', 'mae', 'r2'] });
  expect(CLASS_METRICS.shares).toBe(true);
  expect([...NOT_SCORES]).toEqual(['batch', 'schema']);
});

it('a tracker gets scores without the bounds of their intervals', () => {
  const metrics = {
    schema: 1,
    batch: 3,
    rmse: 2,
    rmse_low: 1,
    rmse_high: 3,
    tide_low: 4,
    high_low_x: 5,
    test_rows: 6,
  };
  expect(pickScores(metrics)).toEqual({ rmse: 2, tide_low: 4, high_low_x: 5, test_rows: 6 });
});

it('a change is shown with its sign and what it means', () => {
  const shown = (by: number, verdict: ScoreChange['verdict']): string =>
    formatChange({ by, verdict });
  expect([
    shown(0.25, 'better'),
    shown(-0.25, 'worse'),
    shown(0, 'within noise'),
    shown(-0.25, 'untested'),
    shown(0, 'none'),
  ]).toEqual(['+0.2500 better', '−0.2500 worse', '+0.0000 within noise', '−0.2500', 'none']);
});

it('the limits of intervals are known by the scores that they are of', () => {
  const names = ['accuracy_low', 'new_batch_rmse_high', 'accuracy', 'tide_low', 'new_batch_low'];
  expect(names.filter(isLimit)).toEqual(['accuracy_low', 'new_batch_rmse_high']);
});
