import { describe, expect, it } from 'vitest';
import { BadParams } from '../../../contract/failures.ts';
import { paramsOf } from '../../../pipeline/models/params.ts';

describe('the params of a run', () => {
  it.each([
    ['classification', 'balanced_accuracy'],
    ['regression', 'mae'],
    ['regression', null],
  ])('of a %s may have the gate compare %s', (task, metric) => {
    expect(paramsOf({}, { model: { task }, gate: { metric } }).gate.metric).toBe(metric);
  });

  it.each([
    ['classification', 'rmse'],
    ['regression', 'accuracy'],
  ])('of a %s are refused with a gate that compares %s', (task, metric) => {
    const read = () => paramsOf({ model: { task } }, { gate: { metric } });
    expect(read).toThrow(BadParams);
    expect(read).toThrow(`params: gate.metric is "${metric}": expected one of `);
    expect(read).toThrow(new RegExp(` for ${task}, or null$`));
  });

  it('are refused with a source that holds a password, which is not repeated', () => {
    const source = 's3://key:hunter2@bucket/x.csv';
    for (const read of [
      () => paramsOf({}, { data: { source } }),
      () => paramsOf({ data: { source } }, {}),
    ]) {
      expect(read).toThrow('data.source holds a user or password before an @');
      expect(read).not.toThrow('hunter2');
    }
  });
});
