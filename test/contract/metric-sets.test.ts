import { describe, expect, it } from 'vitest';
import { findHeadline, isBetter, findMetricSet } from '../../contract/metric-sets.ts';

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
