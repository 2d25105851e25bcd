import { expect, it } from 'vitest';
import { MISSING_VALUES } from '../../contract/defaults.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { STAGES } from '../../contract/stages.ts';

const keyed = (missing_values: readonly string[]): unknown =>
  STAGES.prepare_batch.params(
    paramsSchema.parse({ data: { missing_values: [...missing_values] } }),
    { whole: true },
  );

it('a file that is a batch is keyed by the words that are written where a column is gone', () => {
  expect(keyed(['-'])).not.toEqual(keyed(['NA']));
  expect(keyed(['NA', ''])).not.toEqual(keyed(['', 'NA']));
  // As it was when they were not in the key.
  expect(keyed(MISSING_VALUES)).toEqual({ target: 'species' });
});
