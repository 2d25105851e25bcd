import { expect, it } from 'vitest';
import { formatMetrics } from '../../client/result.ts';

it('rows are counted in whole numbers, also where there is one, or none; scores are shares', () => {
  const shares = { accuracy: 1, test_rows: 3 };
  const lines = formatMetrics({ ...shares, new_batch: { accuracy: 0, test_rows: 1 } }).split('\n');
  const cells = (name: string): string[] =>
    lines
      .map((line) => line.trim().split(/\s{2,}/))
      .find(([first]) => first === name)!
      .slice(1);
  expect(cells('accuracy')).toEqual(['1.0000', '0.0000']);
  expect(cells('test_rows')).toEqual(['3', '1']);
  const none = formatMetrics({ test_rows: 0, new_batch: { test_rows: 1 } });
  expect(none).toMatch(/test_rows +0 +1$/m);
});

it('errors in a small or a large unit are shown by their digits', () => {
  const text = formatMetrics({
    rmse: 0.000_412,
    rmse_low: 0.000_3,
    rmse_high: 0.000_5,
    mae: 31_234_567.8,
    test_rows: 9,
  });
  expect(text).toMatch(/rmse +0\.00041200 +0\.00030000–0\.00050000/);
  expect(text).toMatch(/mae +3\.1235e\+7/);
  expect(text).not.toContain('accuracy');
});
