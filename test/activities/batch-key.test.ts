import { expect, it } from 'vitest';
import { stageFor } from '../../activities/batches/definition.ts';
import { MISSING_VALUES } from '../../contract/params.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import { SETTINGS } from '../store/ledger/ledger-settings.ts';

const LEDGER: Ledger = {
  schema: 2,
  pipeline: 'p',
  revision: 1,
  settings: { ...SETTINGS, source: { kind: 'folder', name: 'in/' }, grows: true },
  raw: [],
  batches: [],
  arrivals: [],
  added_columns: [],
  quarantined: [],
  amended: [],
};

const keyed = (missing_values: readonly string[]): unknown =>
  stageFor(LEDGER, 1).params(paramsSchema.parse({ data: { missing_values: [...missing_values] } }));

it('a file that is a batch is keyed by the words that are written where a column is gone', () => {
  expect(keyed(['-'])).not.toEqual(keyed(['NA']));
  expect(keyed(['NA', ''])).not.toEqual(keyed(['', 'NA']));
  // As it was when they were not in the key.
  expect(keyed(MISSING_VALUES)).toEqual({ target: 'species' });
});
