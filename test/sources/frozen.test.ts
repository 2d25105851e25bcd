import { describe, expect, it } from 'vitest';
import { FORMER_MISSING_VALUES, MISSING_VALUES } from '../../contract/defaults.ts';
import {
  applyFrozenSettings,
  checkFrozen,
  findTrialParams,
  makeRunParams,
} from '../../sources/frozen.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import type { Ledger, Settings } from '../../store/ledger/ledger.ts';
import { SETTINGS } from '../store/ledger/ledger-settings.ts';

const cut = (settings: Partial<Settings>, batches = 1): Ledger => ({
  schema: 4,
  pipeline: 'p',
  revision: 1,
  settings: { ...SETTINGS, ...settings },
  location: './data/x.csv',
  raw: [],
  batches: Array.from({ length: batches }, () => ({}) as Ledger['batches'][number]),
  arrivals: [],
  added_columns: [],
  quarantined: [],
  amended: [],
});
const params = paramsSchema.parse({ data: { columns: { b: 'number' } } });
const columns: Settings['columns'] = [
  { name: 'a', type: 'category' },
  { name: 'b', type: 'number' },
  { name: 't', type: 'category' },
];

it('what was declared when the first batch was cut stays in force when something else is declared later', () => {
  const declared = { a: 'category' } as const;
  expect(applyFrozenSettings(cut({ columns, declared }), params).data.columns).toEqual(declared);
  expect(applyFrozenSettings(cut({ columns, declared }, 0), params)).toBe(params);
});

it('a run that asks for the default words for a missing cell gets those that its pipeline began with', () => {
  const ledger = cut({ missing_values: [...FORMER_MISSING_VALUES] });
  const ask = (data: object) =>
    makeRunParams({ params: {}, ownParams: {} }, ledger, { data }).data.missing_values;
  expect(ask({})).toEqual(FORMER_MISSING_VALUES);
  expect(ask({ missing_values: [...MISSING_VALUES] })).toEqual(FORMER_MISSING_VALUES);
  expect(ask({ missing_values: ['x'] })).toEqual(['x']); // which checkFrozen refuses
});

it('a ledger that does not say what was declared goes by all its types', () => {
  expect(applyFrozenSettings(cut({ columns }), params).data.columns).toEqual({
    a: 'category',
    b: 'number',
  });
});

it('a source stays the same when its query moves to the environment, and only then', () => {
  const url = 'https://example.org/wine.csv';
  const { batch_size, missing_values } = SETTINGS;
  const check = (name: string, data: object) =>
    checkFrozen(
      cut({ source: { kind: 'url', name }, target: 't', columns }),
      paramsSchema.parse({
        data: { source: url, target: 't', batch_size, missing_values, shuffle_seed: null, ...data },
      }),
    );
  const moved = { source_secret_env: 'RETRAIN_SOURCE_URL_WINE' };
  expect(() => check(`${url}?0a1b2c3d`, moved)).not.toThrow();
  expect(() => check(url, moved)).not.toThrow();
  expect(() => check(`${url}?0a1b2c3d`, {})).toThrow('data.source is frozen at');
  expect(() => check(`${url}.gz?0a1b2c3d`, moved)).toThrow('data.source is frozen at');
});

it('numbers that are classes may stay declared, other types of the target are another pipeline', () => {
  const settings = { columns, source: { kind: 'file', name: 'x.csv' }, target: 't' } as const;
  const declare = (t: 'number' | 'ignore') => {
    const { batch_size, missing_values } = SETTINGS;
    const data = { source: 'x.csv', target: 't', columns: { t }, batch_size, missing_values };
    return paramsSchema.parse({ data: { ...data, shuffle_seed: null } });
  };
  expect(() => checkFrozen(cut(settings), declare('number'))).not.toThrow();
  expect(() => checkFrozen(cut(settings), declare('ignore'))).toThrow(
    'data.columns.t is frozen at "category"',
  );
});

it('how rows are split is frozen with the first batch, and a later run takes it from there', () => {
  const byTime = cut({ columns, split_time: 'a' });
  const run = (ledger: Ledger, split: object) =>
    makeRunParams({ params: {}, ownParams: {} }, ledger, { split });
  expect(run(byTime, {}).split).toMatchObject({ by: 'time', time_column: 'a', key: null });
  expect(run(cut({ columns }), {}).split).toMatchObject({ by: 'hash', time_column: null });
  const location = { data: { source: './data/x.csv' } };
  const check = (ledger: Ledger, split: object) => () =>
    checkFrozen(
      ledger,
      makeRunParams({ params: {}, ownParams: {} }, ledger, { ...location, split }),
    );
  expect(check(byTime, { time_column: 'b' })).toThrow(
    'split.time_column is frozen at "a" since the first batch of p was cut, and this run asks for "b"',
  );
  expect(check(byTime, { by: 'hash', time_column: null })).toThrow('split.by is frozen at "time"');
});

describe.each<[key: string, settings: Partial<Settings>, frozen: unknown, other: object]>([
  ['data.source', {}, './data/x.csv', { data: { source: 'y.csv' } }],
  ['data.delimiter', { delimiter: ';' }, ';', { data: { delimiter: ',' } }],
  ['data.encoding', { encoding: 'latin1' }, 'latin1', { data: { encoding: 'utf-8' } }],
  ['data.target', { target: 'a' }, 'a', { data: { target: 't' } }],
  ['data.batch_size', { batch_size: 3 }, 3, { data: { batch_size: 4 } }],
  ['data.shuffle_seed', { shuffle_seed: 7 }, 7, { data: { shuffle_seed: null } }],
  ['data.missing_values', { missing_values: ['x'] }, ['x'], { data: { missing_values: ['y'] } }],
  ['data.decimal', { decimal: ',' }, ',', { data: { decimal: '.' } }],
  ['data.thousands', { thousands: ',' }, ',', { data: { thousands: null } }],
  [
    'data.columns',
    { declared: { a: 'category' } },
    { a: 'category' },
    { data: { columns: { a: 'number' } } },
  ],
  ['split.key', { split_key: ['a'] }, ['a'], { split: { key: ['b'] } }],
  ['split.by', { split_time: 'a' }, 'time', { split: { by: 'hash', time_column: null } }],
  ['split.time_column', { split_time: 'a' }, 'a', { split: { time_column: 'b' } }],
  [
    'model.task',
    { columns: columns.map((column) => ({ ...column, type: 'number' as const })) },
    'regression',
    { model: { task: 'classification' } },
  ],
])('%s of a pipeline whose first batch is cut', (key, settings, frozen, other) => {
  const ledger = cut({ columns, ...settings });
  const run = (more: object) => makeRunParams({ params: {}, ownParams: {} }, ledger, more);
  const [section, name] = key.split('.') as ['data', string];

  it('is as it was then for a run that does not say it', () => {
    expect(run({})[section]).toMatchObject({ [name]: frozen });
    expect(() => checkFrozen(ledger, run({}))).not.toThrow();
  });

  it('is refused for a run that asks for another, which is no trial either', () => {
    // A type is refused by the name of its column.
    const sentence = `^${key}(\\.a)? is frozen at \\S+ since the first batch of p was cut, and this run asks for `;
    expect(() => checkFrozen(ledger, run(other))).toThrow(new RegExp(sentence));
    expect(findTrialParams(run({}), run(other), ledger)).toBeUndefined();
  });
});

it('what is frozen is taken from the ledger, unless the pipeline names it itself', () => {
  const ledger = cut({ columns, declared: { a: 'category' }, split_key: ['b'] });
  const top = { data: { batch_size: 9, columns: { zip: 'category' } }, split: { key: ['zip'] } };
  const inherited = makeRunParams({ params: top, ownParams: {} }, ledger, {});
  expect(inherited).toMatchObject({ data: { batch_size: 2 }, split: { key: ['b'] } });
  expect(inherited.data.columns).toEqual({ a: 'category' });
  const own = makeRunParams({ params: top, ownParams: top }, ledger, {});
  expect(own).toMatchObject({ data: { batch_size: 9 }, split: { key: ['zip'] } });
});

it('a run is a trial if it differs in what shapes a model, and not in which data it uses or in the gate', () => {
  const ledger = cut({ columns });
  const plain = makeRunParams({ params: {}, ownParams: {} }, ledger, {});
  const find = (asked: object) =>
    findTrialParams(plain, makeRunParams({ params: {}, ownParams: {} }, ledger, asked), ledger);
  expect(find({ model: { max_depth: 1 } })).toEqual({ 'model.max_depth': 1 });
  expect(find({ split: { test_size: 0.5 } })).toEqual({ 'split.test_size': 0.5 });
  expect(find({ split: { key: ['a'] }, gate: { rule: 'always' } })).toBeUndefined();
  expect(find({ data: { source: 'other.csv', on_new_column: 'ignore' } })).toBeUndefined();
});
