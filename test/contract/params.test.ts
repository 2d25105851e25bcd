import { describe, expect, it } from 'vitest';
import { MISSING_VALUES } from '../../contract/defaults.ts';
import { BadParams } from '../../contract/failures.ts';
import {
  batchNumber,
  findSimilarName,
  mergeParams,
  paramsShape,
  parseParams,
} from '../../contract/params.ts';

describe('params that are wrong', () => {
  const problemOf = (value: unknown, what = 'params.yaml'): string => {
    try {
      parseParams(paramsShape, value, what);
    } catch (error) {
      expect(error).toBeInstanceOf(BadParams);
      return (error as BadParams).message;
    }
    return 'nothing is wrong';
  };

  it('are refused by their key, with what they are', () => {
    expect(problemOf({ split: { test_size: 2 } })).toMatch(
      /^params\.yaml: split\.test_size is 2: expected less than 1$/,
    );
    for (const gate of [{ reminder_hours: 0.01 }, { reminder_hours: 1e5 }, { expiry_hours: 1e12 }])
      expect(problemOf({ gate })).toMatch(
        /^params\.yaml: gate\.(reminder|expiry)_hours is .+: expected at (most|least)/,
      );
    expect(problemOf({ gate: { reminder_hours: 0.01 } })).toBe(
      'params.yaml: gate.reminder_hours is 0.01: expected at least 0.017, which is a minute',
    );
    expect(problemOf({ gate: { reminder_hours: 0.017 } })).toBe('nothing is wrong');
    expect(problemOf({ data: { target: '' } }, '--set')).toMatch(
      /^--set: data\.target is "": expected at least 1 character$/,
    );
    expect(problemOf({ data: { columns: { a: 'text' } } })).toMatch(
      /data\.columns\.a is "text": expected "number" or /,
    );
    expect(problemOf({ split: { test_size: Number.NaN } })).toMatch(/split\.test_size is NaN: /);
    expect(problemOf({ split: 1 })).toMatch(
      /^params\.yaml: split is 1: expected keys with values$/,
    );
    expect(problemOf(null)).toMatch(
      /^params\.yaml: the document is null: expected keys with values$/,
    );
  });

  it('are named with the known key that is most similar', () => {
    expect(problemOf({ data: { tarjet: 'x' } })).toBe(
      'params.yaml: data.tarjet is not a known key: did you mean data.target?',
    );
    expect(problemOf({ modle: {} })).toBe(
      'params.yaml: modle is not a known key: did you mean model?',
    );
    expect(problemOf({ something_else: 1 })).toBe(
      'params.yaml: something_else is not a known key: check its spelling in docs/params.md',
    );
  });

  it('that do not fit together are named by the key to change', () => {
    expect(problemOf({ data: { decimal: ',', thousands: ',' } })).toBe(
      'params.yaml: data.thousands is ",": expected another character than data.decimal, or null',
    );
    expect(problemOf({ split: { by: 'time' } })).toMatch(
      /^params\.yaml: split\.time_column is missing: expected the name of the column of times/,
    );
    expect(problemOf({ split: { time_column: 'day' } })).toMatch(
      /^params\.yaml: split\.time_column is "day": expected null unless/,
    );
    expect(problemOf({ split: { by: 'time', time_column: 'day', key: ['id'] } })).toMatch(
      /^params\.yaml: split\.key is \["id"\]: expected null where split\.by is time/,
    );
  });

  it('never show what may be the secret itself', () => {
    expect(problemOf({ data: { source_secret_env: 'https://a.example/?token=abc' } })).toMatch(
      /^params\.yaml: data\.source_secret_env is not a name: expected the name of an environment/,
    );
  });

  it('are named with null where it is allowed', () => {
    for (const [value, sentence] of [
      [
        { data: { shuffle_seed: 'forty' } },
        'data.shuffle_seed is "forty": expected a number, or null',
      ],
      [{ split: { key: 'id' } }, 'split.key is "id": expected a list, or null'],
      [{ gate: { expiry_hours: 0 } }, 'gate.expiry_hours is 0: expected more than 0, or null'],
      [{ split: { key: [1] } }, 'split.key.0 is 1: expected text'],
      [{ data: { target: null } }, 'data.target is null: expected text'],
      [{ gate: { metric: 5 } }, 'gate.metric is 5: expected text, or null'],
    ] as const)
      expect(problemOf(value)).toBe(`params.yaml: ${sentence}`);
  });

  it('are named once, with the closest limit', () => {
    expect(problemOf({ data: { batch_size: 1e30 } })).toBe(
      'params.yaml: data.batch_size is 1e+30: expected at most 10000000',
    );
    expect(problemOf({ data: { delimiter: ';;' } })).toBe(
      'params.yaml: data.delimiter is ";;": expected one character, such as , ; | or a tab',
    );
  });

  it('are not shown where they may hold a password', () => {
    expect(problemOf({ data: { batch_size: 'http://me:hunter2@host' } })).toBe(
      'params.yaml: data.batch_size has an "@", so it may hold a password and is not shown: expected a number',
    );
  });

  it('are all named at once', () => {
    expect(problemOf({ modle: {}, preproces: {} })).toBe(
      'params.yaml: modle is not a known key: did you mean model?; params.yaml: preproces is not a known key: did you mean preprocess?',
    );
    const problem = problemOf({ data: { batch_size: 0 }, split: { test_size: 1 } });
    expect(problem).toMatch(/data\.batch_size is 0: .*; params\.yaml: split\.test_size is 1: /);
  });

  it('are cut short where they are long', () => {
    const shownOf = (length: number): string =>
      /is (.*?): /.exec(problemOf({ split: { test_size: 'x'.repeat(length) } }))![1]!;
    expect(shownOf(58)).toBe(`"${'x'.repeat(58)}"`);
    expect(shownOf(59)).toBe(`"${'x'.repeat(56)}...`);
  });

  it('are at their bounds or past them', () => {
    const accepts = (value: object): boolean => paramsShape.safeParse(value).success;
    const sizes = [1, 10_000_000].map((batch_size) => ({ data: { batch_size } }));
    const secretIn = (source_secret_env: string) => ({ data: { source_secret_env } });
    const seeds = [0, 4_294_967_295, null].map((shuffle_seed) => ({ data: { shuffle_seed } }));
    for (const good of [
      ...sizes,
      ...seeds,
      { split: { test_size: 0.001 } },
      { split: { by: 'time', time_column: 'day' } },
      { data: { delimiter: '\t' } },
      ...['RETRAIN_SOURCE_URL', 'RETRAIN_SOURCE_URL_WINE_2'].map((name) => secretIn(name)),
      { split: { time_column: null } },
      { gate: { margin: 0, confidence: 0.51 } },
      { gate: { confidence: 0.999, slices: ['region', 'x'] } },
      { gate: { metric: 'rmse' } },
    ])
      expect(accepts(good)).toBe(true);
    const bad = [
      { data: { batch_size: 10_000_001 } },
      { data: { batch_size: 1.5 } },
      { data: { shuffle_seed: -1 } },
      { data: { shuffle_seed: 4_294_967_296 } },
      { data: { delimiter: '"' } },
      { data: { delimiter: ',,' } },
      { data: { delimiter: 'a' } },
      { data: { source: '' } },
      { split: { test_size: 0 } },
      { split: { test_size: 1 } },
      { split: { key: [] } },
      { split: { key: [''] } },
      { split: { by: 'time' } },
      { split: { time_column: 'day' } },
      { split: { by: 'time', time_column: 'day', key: ['id'] } },
      { split: { by: 'rows' } },
      { preprocess: { missing: 'keep' } },
      ...['MY_RETRAIN_SOURCE_URL', 'RETRAIN_SOURCE_URL_', 'RETRAIN_SOURCE_URLS', ''].map(secretIn),
      { gate: { margin: -0.1 } },
      { gate: { confidence: 0.5 } },
      { gate: { confidence: 1 } },
      { gate: { slices: [''] } },
      { gate: { metric: '' } },
    ];
    for (const one of bad) expect(accepts(one)).toBe(false);
    const numbers = [0, 1, 999_999, 1_000_000].map((batch) => batchNumber.safeParse(batch).success);
    expect(numbers).toEqual([false, true, true, false]);
  });
});

it('params that are not given have the defaults that the README lists', () => {
  expect(parseParams(paramsShape, {}, 'x')).toMatchObject({
    data: {
      source: 'iris',
      delimiter: ',',
      encoding: 'utf-8',
      target: 'species',
      batch_size: 50,
      shuffle_seed: 42,
      columns: {},
      missing_values: [...MISSING_VALUES],
      on_new_column: 'fail',
      on_missing_column: 'fail',
      on_new_category: 'adapt',
    },
    split: { test_size: 0.2, key: null, by: 'hash', time_column: null },
    preprocess: { missing: 'impute' },
    model: { task: 'classification', type: 'decision_tree' },
  });
});

it('a similar name differs in two letters, or in a fifth of a long name', () => {
  expect(findSimilarName('ab', [])).toBeUndefined();
  expect(findSimilarName('abcd', ['abxy'])).toBe('abxy');
  expect(findSimilarName('abcd', ['axyz'])).toBeUndefined();
  expect(findSimilarName('abcdefghijklmno', ['xyzdefghijklmno'])).toBe('xyzdefghijklmno');
  expect(findSimilarName('abcdefghijklmn', ['xyzdefghijklmn'])).toBeUndefined();
});

describe('params over others', () => {
  const base = {
    data: { source: 'x', target: 't' },
    model: { type: 'a', task: 'regression', depth: 1 },
  };

  it('replace what they name, and change neither', () => {
    expect(mergeParams(base, { data: { target: 'u' }, split: { key: ['k'] } })).toEqual({
      ...base,
      data: { source: 'x', target: 'u' },
      split: { key: ['k'] },
    });
    expect(base.data.target).toBe('t');
    expect(mergeParams(base, undefined)).toEqual(base);
    expect(mergeParams(base, { data: undefined })).toEqual(base);
    expect(mergeParams(base, { data: null })).toEqual({ ...base, data: null });
    expect(mergeParams({ key: ['a', 'b'] }, { key: ['c'] })).toEqual({ key: ['c'] });
    expect(mergeParams(undefined, base)).toEqual(base);
    expect(mergeParams({ a: 1 }, { a: { b: 1 } })).toEqual({ a: { b: 1 } });
  });

  it('drop the hyperparameters of another type of model, and keep the task', () => {
    expect(mergeParams(base, { model: { type: 'b', leaves: 2 } })).toEqual({
      ...base,
      model: { type: 'b', task: 'regression', leaves: 2 },
    });
    expect(mergeParams({ model: { type: 'a', depth: 1 } }, { model: { type: 'b' } })).toEqual({
      model: { type: 'b' },
    });
    const same = { model: { type: 'a', leaves: 2 } };
    expect(mergeParams(base, same)).toEqual({ ...base, model: { ...base.model, leaves: 2 } });
    expect(mergeParams(base, { model: { leaves: 2 } })).toEqual({
      ...base,
      model: { ...base.model, leaves: 2 },
    });
  });

  it('drop nothing where a model without a type is the default one', () => {
    const untyped = { model: { depth: 1 } };
    expect(mergeParams(untyped, { model: { type: 'decision_tree' } })).toEqual({
      model: { type: 'decision_tree', depth: 1 },
    });
    expect(mergeParams(untyped, { model: { type: 'b' } })).toEqual({ model: { type: 'b' } });
    expect(mergeParams({ model: 1 }, { model: { type: 'b' } })).toEqual({ model: { type: 'b' } });
  });
});
