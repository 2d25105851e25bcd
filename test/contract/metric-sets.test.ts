import { describe, expect, it } from 'vitest';
import {
  CLASS_METRICS,
  compareScore,
  findHeadline,
  findMetricSet,
  formatChange,
  formatScore,
  NOT_SCORES,
  NUMBER_METRICS,
  pickScores,
  type ScoreChange,
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

/** The verdict on a score that has changed by a number. */
function judge(name: string, by: number): ScoreChange['verdict'] {
  return compareScore(name, 1 + by, { [name]: 1 })!.verdict;
}

describe('metric sets', () => {
  it('are recognized by their headline', () => {
    expect(findHeadline({ schema: 1, accuracy: 0.9 })).toEqual({ name: 'accuracy', value: 0.9 });
    expect(findHeadline({ mae: 1, rmse: 2 })).toEqual({ name: 'rmse', value: 2 });
    expect(findHeadline({ test_rows: 0 })).toBeUndefined();
    expect(findMetricSet({ test_rows: 0 }).headline).toBe('accuracy');
  });

  it('say which way is better, of all batches and of the new one', () => {
    for (const name of ['accuracy', 'r2', 'new_batch_f1_macro'])
      expect([name, judge(name, 0.1), judge(name, -0.1)]).toEqual([name, 'better', 'worse']);
    for (const name of ['rmse', 'new_batch_mae'])
      expect([name, judge(name, 0.1), judge(name, -0.1)]).toEqual([name, 'worse', 'better']);
    expect([judge('rmse', 0), judge('test_rows', 5), judge('accuracy_low', 1)]).toEqual([
      'none',
      'none',
      'none',
    ]);
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

it('only the prefix of a name says that a score is of the new batch', () => {
  expect(judge('old_new_batch_rmse', 1)).toBe('none');
});

it('a score is compared with that of another build, if both have it', () => {
  expect(compareScore('accuracy', 0.75, { accuracy: 0.5 })).toEqual({
    before: 0.5,
    by: 0.25,
    verdict: 'better',
  });
  expect(compareScore('rmse', 3, { rmse: 2 })).toEqual({ before: 2, by: 1, verdict: 'worse' });
  expect(compareScore('rmse', 2, { rmse: 2 })!.verdict).toBe('none');
  expect(compareScore('rmse', undefined, { rmse: 2 })).toBeUndefined();
  expect(compareScore('rmse', 2, {})).toBeUndefined();
});

it('a change is better or worse only where no test says that it can be chance, or none was made', () => {
  const other = { accuracy: 0.5, f1_macro: 0.5, rows: 30 };
  const verdictOf = (tested: object, name = 'accuracy'): string =>
    compareScore(name, 0.75, { ...other, ...tested })!.verdict;
  expect(verdictOf({ accuracy_change: 'within noise' })).toBe('within noise');
  expect(verdictOf({ accuracy_change: 'better' })).toBe('better');
  expect(verdictOf({ accuracy_change: 'better' }, 'f1_macro')).toBe('untested');
});

it('a change is shown with its sign and what it means', () => {
  const shown = (by: number, verdict: ScoreChange['verdict']): string =>
    formatChange({ before: 0, by, verdict });
  expect([
    shown(0.25, 'better'),
    shown(-0.25, 'worse'),
    shown(0, 'within noise'),
    shown(-0.25, 'untested'),
    shown(0, 'none'),
  ]).toEqual(['+0.2500 better', '−0.2500 worse', '+0.0000 within noise', '−0.2500', 'none']);
});
