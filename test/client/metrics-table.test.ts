import { expect, it } from 'vitest';
import { metricsTable } from '../../client/print.ts';

it('rows are counted in whole numbers, also where there is one, or none; scores are shares', () => {
  const shares = { accuracy: 1, test_rows: 3 };
  const lines = metricsTable({ ...shares, new_batch: { accuracy: 0, test_rows: 1 } }).split('\n');
  const cells = (name: string): string[] =>
    lines
      .map((line) => line.trim().split(/\s{2,}/))
      .find(([first]) => first === name)!
      .slice(1);
  expect(cells('accuracy')).toEqual(['1.0000', '0.0000']);
  expect(cells('test_rows')).toEqual(['3', '1']);
  const none = metricsTable({ test_rows: 0, new_batch: { test_rows: 1 } });
  expect(none).toMatch(/test_rows +0 +1$/m);
});
