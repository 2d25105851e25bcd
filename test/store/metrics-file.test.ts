import { expect, it } from 'vitest';
import { refOf } from '../../store/hash.ts';
import { flattenMetrics, readMetrics } from '../../store/metrics-file.ts';

const read = (text: string) => {
  const bytes = Buffer.from(text);
  return readMetrics(bytes, refOf('metrics/batch_1.json', bytes));
};

it('the numbers of a metrics file have flat names, those of the new batch a prefix', () => {
  const file = {
    schema: 1,
    accuracy: 0.5,
    classes: { a: { recall: 1 } },
    confusion_matrix: [[1]],
    note: 'x',
    none: null,
    new_batch: { accuracy: 1, test_rows: 3, classes: { a: { recall: 1 } } },
  };
  expect(read(JSON.stringify(file))).toEqual(file);
  expect(flattenMetrics(file)).toEqual({
    schema: 1,
    accuracy: 0.5,
    new_batch_accuracy: 1,
    new_batch_test_rows: 3,
  });
});

it('a metrics file without a new batch has the numbers of the whole', () => {
  for (const new_batch of [undefined, null, 'x', [1, 2], 3])
    expect(flattenMetrics({ rmse: 2, ...(new_batch === undefined ? {} : { new_batch }) })).toEqual(
      new_batch === 3 ? { rmse: 2, new_batch: 3 } : { rmse: 2 },
    );
});

it('a metrics file that is no object of JSON is refused', () => {
  for (const text of ['[1]', '{', 'null'])
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        name: 'DamagedArtifact',
        message: expect.stringContaining('metrics/batch_1.json') as string,
      }) as Error,
    );
});
