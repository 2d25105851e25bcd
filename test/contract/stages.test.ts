import { describe, expect, it } from 'vitest';
import { FORMER_MISSING_VALUES, MISSING_VALUES } from '../../contract/defaults.ts';
import type { Params } from '../../contract/params.ts';
import {
  isOfOtherBuild,
  isReadForEachBatch,
  listOwnInputs,
  STAGE_NAMES,
  STAGES,
  STEPS,
  stagesUntil,
  type FactShape,
  type InputSource,
  type StageEntry,
} from '../../contract/stages.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';

const entries = STAGE_NAMES.map((name): [string, StageEntry] => [name, STAGES[name]]);

/** The entries of the stages before one. */
const before = (name: string): Record<string, StageEntry> =>
  Object.fromEntries(
    entries.slice(
      0,
      STAGE_NAMES.findIndex((one) => one === name),
    ),
  );

describe.each(entries)('%s', (name, entry) => {
  it('reads only outputs that earlier stages make, or what no stage makes', () => {
    for (const input of Object.values<InputSource>(entry.inputs)) {
      if ('outside' in input) continue;
      const maker = before(name)['stage' in input ? input.stage : input.eachBatch];
      expect(Object.keys(maker?.outputs ?? {})).toContain(input.output);
    }
  });

  it('takes only settings of the run, and what earlier stages hand on', () => {
    const settings = ['source', 'refresh', 'trackingFolder', 'mayDefer', 'trial'];
    const handedOn = Object.values(before(name)).flatMap(({ gives }) => gives);
    for (const taken of entry.takes) expect([...settings, ...handedOn]).toContain(taken);
  });

  it('has a label that shows facts of earlier stages', () => {
    const params = paramsSchema.parse({ data: { source: 'in/wine.csv' } });
    const count = (stage: string, fact: string, unit: string): string => {
      const facts: Record<string, FactShape> = before(name)[stage]?.facts ?? {};
      expect(Object.keys(facts)).toContain(fact);
      return `12 ${unit}`;
    };
    expect(entry.label({ batch: 2, params, count })).not.toEqual([]);
  });

  it('has outputs at other paths than earlier stages', () => {
    const taken = Object.values(before(name)).flatMap(({ outputs }) =>
      Object.values(outputs).map((pathOf) => pathOf(2)),
    );
    for (const pathOf of Object.values(entry.outputs)) expect(taken).not.toContain(pathOf(2));
  });
});

it('a run has these stages, in this order', () => {
  expect(STAGE_NAMES).toEqual([
    'get_data',
    'prepare_batch',
    'merge_data',
    'preprocess',
    'train',
    'evaluate',
    'gate',
  ]);
});

it('stages are run up to the one that is asked for', () => {
  expect(stagesUntil('merge_data')).toEqual(['get_data', 'prepare_batch', 'merge_data']);
});

it('only the batches are read for each batch', () => {
  expect(STAGE_NAMES.filter(isReadForEachBatch)).toEqual(['prepare_batch']);
});

describe('the task in cache keys', () => {
  const paramsWith = (model: object): Params => paramsSchema.parse({ model });
  const own = { max_depth: 5, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };

  it('is left out while it is classification, as it was when there was no other', () => {
    const [named, unnamed] = [paramsWith({ task: 'classification' }), paramsWith({})];
    const { task: _, ...model } = unnamed.model;
    for (const params of [named, unnamed, { ...unnamed, model } as Params]) {
      expect(STAGES.train.params(params)).toEqual({ model: own });
      expect(STAGES.get_data.params(params, { source: 'iris' })).not.toHaveProperty('task');
    }
  });

  it('is part of the keys of the stages that type the target and fit the model', () => {
    const params = paramsWith({ task: 'regression' });
    expect(STAGES.train.params(params)).toEqual({ model: { task: 'regression', ...own } });
    expect(STAGES.get_data.params(params, { source: 'iris' })).toHaveProperty('task', 'regression');
  });
});

describe('the key of a batch', () => {
  const params = (data: object): Params => paramsSchema.parse({ data });
  const keyOfFile = (missing_values: readonly string[]): unknown =>
    STAGES.prepare_batch.params(params({ missing_values: [...missing_values] }), { whole: true });

  it('that is a file names the words for a missing cell, unless they are the former default', () => {
    expect(keyOfFile(['-'])).not.toEqual(keyOfFile(['NA']));
    expect(keyOfFile(['NA', ''])).not.toEqual(keyOfFile(['', 'NA']));
    expect(keyOfFile(FORMER_MISSING_VALUES)).toEqual({ target: 'species' });
  });

  it('that is cut from a later state of a table names the state and no seed', () => {
    expect(STAGES.prepare_batch.params(params({}), { whole: false, after: 3 })).toEqual({
      target: 'species',
      batch_size: 50,
      after: 3,
    });
    expect(STAGES.prepare_batch.params(params({}), { whole: false, after: 0 })).toEqual({
      target: 'species',
      batch_size: 50,
      shuffle_seed: 42,
    });
  });
});

describe('the key of an encoded part', () => {
  const partParams = (missing_values: readonly string[]): unknown =>
    STEPS.encode_part.params(paramsSchema.parse({ data: { missing_values } }));

  it('says that numbers among the words for a missing cell are compared as numbers', () => {
    expect(partParams(['', '-999'])).toMatchObject({ missing_numbers: 'by value' });
  });

  it('is the one of earlier programs where no number is among them', () => {
    expect(partParams([...MISSING_VALUES, 'Infinit'])).not.toHaveProperty('missing_numbers');
  });
});

describe('the inputs that a build was made from', () => {
  const ref = (path: string) => ({ path, md5: 'm', sha256: 's', size: 1 });

  it('are not those of the champion, with which the gate compares it', () => {
    const inputs = {
      model: ref('models/batch_2/model.json'),
      championModel: ref('models/batch_1/model.json'),
      championEncoder: ref('data/processed/encoder.json'),
    };
    expect(listOwnInputs({ stage: 'gate', inputs })).toEqual([inputs.model]);
  });

  it('have the raw source, which no stage makes, and what is recorded under a name of another program', () => {
    expect(isOfOtherBuild('get_data', 'source')).toBe(false);
    expect(isOfOtherBuild('gate', 'model')).toBe(false);
    expect(isOfOtherBuild('gate', 'unknown')).toBe(false);
    expect(isOfOtherBuild('a stage of another program', 'model')).toBe(false);
    expect(isOfOtherBuild('gate', 'championTrain')).toBe(true);
  });
});
