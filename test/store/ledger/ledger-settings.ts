import type { Settings } from '../../../store/ledger/ledger.ts';

/** What a ledger pins of a small table with one column, which is the target. */
export const SETTINGS: Settings = {
  source: { kind: 'file', name: 'x.csv' },
  grows: false,
  delimiter: ',',
  encoding: 'utf-8',
  target: 't',
  columns: [{ name: 't', type: 'category' }],
  missing_values: [''],
  decimal: '.',
  thousands: null,
  batch_size: 2,
  shuffle_seed: null,
  split_key: null,
  split_time: null,
};

/** What a ledger is opened with. */
export const OPENED = { settings: SETTINGS, location: 'x.csv' };
