import { describe, expect, it } from 'vitest';
import { FORMER_MISSING_VALUES } from '../../contract/defaults.ts';
import type { Params } from '../../contract/params.ts';
import {
  findEntry,
  findShape,
  findStage,
  isOutputPath,
  LAST_STAGE,
  STAGE_NAMES,
  STAGES,
  STEPS,
  type StageContents,
} from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';

const params = (more: object = {}): Params => paramsSchema.parse(more);

describe('the params in cache keys', () => {
  it('of get_data are how the source is read, and columns that were added', () => {
    const key = STAGES.get_data.params(params({ data: { target: 't' } }), { source: 'x.csv' });
    expect(key).toEqual({
      source: 'x.csv',
      target: 't',
      columns: {},
      missing_values: params().data.missing_values,
    });
    const read = { target: 't', delimiter: ';', encoding: 'latin1', columns: { a: 'ignore' } };
    expect(
      STAGES.get_data.params(params({ data: read }), { source: 'x', addedColumns: ['z'] }),
    ).toMatchObject({ ...read, added_columns: ['z'] });
  });

  it('of prepare_batch are how rows are cut, or the rules on the columns of a whole file', () => {
    const data = { target: 't', batch_size: 7, shuffle_seed: 9, missing_values: ['-'] };
    const cut = STAGES.prepare_batch.params;
    expect(cut(params({ data }), { whole: false, after: 0 })).toEqual({
      target: 't',
      batch_size: 7,
      shuffle_seed: 9,
    });
    expect(cut(params({ data }), { whole: false, after: 2 })).toEqual({
      target: 't',
      batch_size: 7,
      after: 2,
    });
    expect(cut(params({ data }), { whole: true })).toEqual({ target: 't', missing_values: ['-'] });
    const rules = { target: 't', on_new_column: 'adapt', on_missing_column: 'ignore' };
    const former = { ...rules, missing_values: [...FORMER_MISSING_VALUES] };
    expect(cut(params({ data: former }), { whole: true })).toEqual(rules);
    expect(cut(params({ data: { ...rules, delimiter: ';' } }), { whole: false, after: 2 })).toEqual(
      {
        target: 't',
        delimiter: ';',
        batch_size: 50,
        after: 2,
      },
    );
  });

  it('of preprocess are the split, the missing cells, and a rule on new categories', () => {
    const { data, preprocess } = params();
    // A split by a hash is not named, so that the keys of earlier programs stay valid.
    const split = { test_size: 0.2, key: null };
    const own = { target: 'species', missing_values: data.missing_values, split, preprocess };
    expect(STAGES.preprocess.params(params())).toEqual(own);
    for (const rule of ['fail', 'ignore'])
      expect(STAGES.preprocess.params(params({ data: { on_new_category: rule } }))).toEqual({
        ...own,
        on_new_category: rule,
      });
    expect(STEPS.encode_part.params(params())).toEqual({
      target: 'species',
      missing_values: data.missing_values,
      split,
    });
    const byTime = params({ split: { by: 'time', time_column: 'day' } });
    expect(STEPS.encode_part.params(byTime)['split']).toEqual({
      ...split,
      by: 'time',
      time_column: 'day',
    });
  });

  it('of evaluate name what decides the side of a row, unless it is the hash of all features', () => {
    const model = { type: 'decision_tree' };
    const keyOf = (split: object): object => STAGES.evaluate.params(params({ split }));
    expect(keyOf({ test_size: 0.4 })).toEqual({ model });
    expect(keyOf({ key: ['id'] })).toEqual({ model, split: { key: ['id'] } });
    expect(keyOf({ by: 'time', time_column: 'day' })).toEqual({
      model,
      split: { by: 'time', time_column: 'day' },
    });
  });

  it('name what earlier programs do not have only where it is set', () => {
    const data = {
      decimal: ',',
      thousands: '.',
      date_parts: ['year'],
      labels: { normalise: true },
    };
    const key = STEPS.encode_part.params(params({ data }));
    expect(key).toMatchObject(data);
    const numbers = { decimal: ',', thousands: '.' };
    const cut = STAGES.prepare_batch.params(params({ data }), { whole: false, after: 1 });
    expect(cut).toEqual({ target: 'species', ...numbers, batch_size: 50, after: 1 });
    const byPlace = params({
      data: { columns_by: 'position', missing_values: FORMER_MISSING_VALUES },
    });
    expect(STAGES.prepare_batch.params(byPlace, { whole: true })).toEqual({
      target: 'species',
      columns_by: 'position',
    });
  });

  it('of missing cells say whether a number is among the words, also beside spaces', () => {
    const keyOf = (missing_values: string[]): unknown =>
      STEPS.encode_part.params(params({ data: { missing_values } }));
    expect(keyOf(['', ' ', 'NA'])).not.toHaveProperty('missing_numbers');
    expect(keyOf(['', ' -999 '])).toHaveProperty('missing_numbers', 'by value');
    expect(keyOf(['NA', '0'])).toHaveProperty('missing_numbers', 'by value');
  });

  it('of train are the hyperparameters, without the default task and type', () => {
    const { task: _, type: __, ...own } = params().model;
    expect(STAGES.train.params(params())).toEqual({ model: own });
    const other = params({ model: { type: 'baseline', task: 'regression' } });
    expect(STAGES.train.params(other)).toEqual({ model: other.model });
  });

  it('of evaluate are the type of model, and of merge_data none', () => {
    expect(STAGES.evaluate.params(params())).toEqual({ model: { type: 'decision_tree' } });
    expect(STAGES.merge_data.params()).toEqual({});
  });
});

describe('the label of a stage', () => {
  const labelOf = (name: keyof typeof STAGES, more: Partial<StageContents> = {}) =>
    STAGES[name].label({
      batch: 2,
      params: params({ data: { source: '/in/wine.csv' }, model: { max_depth: 3 } }),
      count: (stage, fact, unit) => `${stage} ${fact} ${unit}`,
      ...more,
    });

  it('says what it works on', () => {
    expect(STAGE_NAMES.map((name) => labelOf(name))).toEqual([
      ['wine.csv'],
      ['batch 2'],
      ['batches 1–2'],
      ['merge_data rows rows'],
      ['preprocess train_rows rows', 'depth 3'],
      ['preprocess test_rows test rows'],
      ['preprocess test_rows test rows'],
    ]);
    expect(labelOf('merge_data', { batch: 1 })).toEqual(['batch 1']);
  });

  it('names a source by its last part, on every system', () => {
    const name = (source: string): unknown =>
      labelOf('get_data', { params: params({ data: { source } }) })[0];
    expect(['in/', 'C:\\in\\x.csv', 'iris', '/'].map(name)).toEqual(['in', 'x.csv', 'iris', '/']);
  });

  it('leaves a depth out that is not given', () => {
    const model = { model: { type: 'baseline' } };
    expect(labelOf('train', { params: params(model) })[1]).toBe('');
  });
});

describe('the graph', () => {
  it('ends with the stage that makes a version', () => {
    expect(LAST_STAGE).toBe('gate');
  });

  it('finds stages and steps, and no names that an object has anyway', () => {
    expect(findShape('train')).toBe(STAGES.train);
    expect(findShape('encode_part')).toBe(STEPS.encode_part);
    expect(findEntry('train')).toBe(STAGES.train);
    expect([findEntry('encode_part'), findEntry('toString')]).toEqual([undefined, undefined]);
  });

  it('finds the stage of a record by its name', () => {
    const stages = ['get_data', 'train'].map((stage) => ({
      stage,
      inputs: {},
      outputs: {},
      facts: {},
    }));
    expect(findStage(stages, 'train')).toBe(stages[1]);
    expect(findStage(stages, 'evaluate')).toBeUndefined();
  });

  it('gives each output of a stage its path, which a person may have as a file', () => {
    const isPath = (stage: string, output: string, path: string): boolean =>
      isOutputPath({ stage, output, version: 2 }, path);
    expect(isPath('evaluate', 'metrics', 'metrics/batch_2.json')).toBe(true);
    expect(isPath('evaluate', 'metrics', 'metrics/batch_3.json')).toBe(false);
    expect(isPath('merge_data', 'merged', 'data/merged/')).toBe(true);
    expect(isPath('get_data', 'raw', 'data/raw/wine.csv')).toBe(true);
    expect(isPath('get_data', 'raw', 'data/raw/.env')).toBe(false);
    expect(isPath('get_data', 'columns', 'data/raw/wine.csv')).toBe(false);
    expect(isPath('evaluate', 'toString', 'metrics/batch_2.json')).toBe(false);
    expect(isPath('other', 'metrics', 'metrics/batch_2.json')).toBe(false);
  });
});
