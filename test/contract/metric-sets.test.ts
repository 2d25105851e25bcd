import { describe, expect, it } from 'vitest';
import {
  CLASS_METRICS,
  compareScore,
  findHeadline,
  findMetricSet,
  formatChange,
  formatScore,
  isBetter,
  NOT_SCORES,
  NUMBER_METRICS,
  pickScores,
} from '../../contract/metric-sets.ts';

describe('a change of a score', () => {
  it.each([
    ['accuracy', 0.9, { accuracy: 0.8 }, '+0.1000 better'],
    ['rmse', 2, { rmse: 1.5 }, '+0.5000 worse'],
    ['accuracy', 0.8, { accuracy: 0.8 }, 'none'],
    [
      'accuracy',
      0.9,
      { rows: 9, accuracy: 0.8, accuracy_change: 'within noise' },
      '+0.1000 within noise',
    ],
    ['accuracy', 0.7, { rows: 9, accuracy: 0.8, accuracy_change: 'worse' }, '−0.1000 worse'],
    ['f1_macro', 0.7, { rows: 9, f1_macro: 0.8, accuracy_change: 'worse' }, '−0.1000'],
  ])('%s of %d against %o is %s', (name, now, other, text) => {
    expect(formatChange(compareScore(name, now, other)!)).toBe(text);
  });

  it('is not known where one of the two has no score', () => {
    expect(compareScore('accuracy', undefined, { accuracy: 1 })).toBeUndefined();
    expect(compareScore('accuracy', 1, {})).toBeUndefined();
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

  it('say which way is better, of all batches and of the new one', () => {
    expect(['accuracy', 'r2', 'new_batch_f1_macro'].map((name) => isBetter(name, 0.1))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['rmse', 'new_batch_mae'].map((name) => isBetter(name, 0.1))).toEqual([false, false]);
    expect([isBetter('rmse', 0), isBetter('test_rows', 5), isBetter('accuracy_low', 1)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

it('a score has four decimals, and five digits where those are too few or too many', () => {
  expect([0, 0.5, 0.001, 0.00099, -0.5, -0.0001, 999_999, 1e6].map(formatScore)).toEqual([
    '0.0000',
    '0.5000',
    '0.0010',
    '0.00099000',
    '-0.5000',
    '-0.00010000',
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

it('only the prefix of a name says that a score is of the new batch', () => {
  expect(isBetter('old_new_batch_rmse', 1)).toBeUndefined();
});
