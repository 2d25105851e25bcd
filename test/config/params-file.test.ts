import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig, loadRunConfig, type Config } from '../../config/environment.ts';
import { readParams } from '../../config/params-file.ts';
import { BadParams, messageOf } from '../../contract/failures.ts';
import { mergeParams, parseParams } from '../../contract/params.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { hashOf } from '../../store/hash.ts';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'params '));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function config(file: unknown, pipeline?: string, env: Record<string, string> = {}): Config {
  writeFileSync(join(root, 'params.yaml'), typeof file === 'string' ? file : stringify(file));
  return loadConfig(root, env, pipeline);
}

const TWO = {
  pipeline: 'iris',
  model: { max_depth: 7, min_gain: 0.01 },
  pipelines: {
    wine: { data: { source: './wine.csv', target: 'quality' }, model: { max_depth: 3 } },
    coffee: null,
  },
};

const escape = (text: string): string => text.replaceAll(/[.…]/g, '.');

function problemOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    return messageOf(error);
  }
  return 'nothing is wrong';
}

describe('a wrong value in params.yaml', () => {
  it.each([
    [
      { storage: { endpoint: 'ftp://a' } },
      'storage.endpoint is "ftp://a": expected an http:// or https:// URL, or null',
    ],
    [
      { storage: { source_endpoint: 'ftp://a' } },
      'storage.source_endpoint is "ftp://a": expected "aws", or an http:// or https:// URL, or null',
    ],
    [
      { storage: { source_endpoint: 5 } },
      'storage.source_endpoint is 5: expected "aws", or an http:// or https:// URL, or null',
    ],
    [{ schema: 'one' }, 'schema is "one": expected 1'],
    [{ schema: 0 }, 'schema is 0: expected 1'],
    [{ schema: null }, 'schema is null: expected 1'],
    [{ schema: 2 }, 'schema is 2: this program knows only schema 1, so update the program'],
    [{ preproces: {} }, 'preproces is not a known key: did you mean preprocess?'],
    [{ mlflow: { model_name: 5 } }, 'mlflow.model_name is 5: expected text, or null'],
    [{ storage: { bucket: ['a'] } }, 'storage.bucket is ["a"]: expected text'],
    [
      { pipelines: { 'a b': null } },
      'pipelines.a b has a wrong name: expected 1 to 64 letters, digits, "_" or "-", the first a letter or digit',
    ],
  ])('is named once, with what was expected: %j', (file, sentence) => {
    const read = () => config(file);
    expect(read).toThrow(BadParams);
    expect(problemOf(read)).toBe(`params.yaml: ${sentence}`);
  });

  const SECRET = 'hunter2';
  const url = (scheme: string): string => `${scheme}://someone:${SECRET}@localhost:8333`;

  it.each<[string, object | string]>([
    ['storage.endpoint', { storage: { endpoint: url('http') } }],
    ['storage.endpoint', { storage: { endpoint: url('ftp') } }],
    ['storage.endpoint', { storage: { endpoint: `someone:${SECRET}@localhost` } }],
    ['storage.endpoint', { storage: { endpoint: [url('http')] } }],
    ['storage.source_endpoint', { storage: { source_endpoint: url('https') } }],
    ['storage', { storage: url('http') }],
    ['a URL is not a known key', { [url('http')]: null }],
    ['mlflow.tracking_uri', { mlflow: { tracking_uri: url('ftp') } }],
    ['mlflow.tracking_uri', { mlflow: { tracking_uri: `someone:${SECRET}@localhost:5000` } }],
    ['mlflow.tracking_uri', { mlflow: { tracking_uri: `http://someone:${SECRET}@a b` } }],
    ['mlflow.tracking_uri', { mlflow: { tracking_uri: { at: url('http') } } }],
    ['data.source', { data: { source: { at: url('http') } } }],
  ])('is not shown where it may hold a password: %s %#', (name, file) => {
    const read = () => config(file);
    expect(read).toThrow(BadParams);
    const problem = problemOf(read);
    expect(problem).not.toMatch(/hunter2|someone/);
    expect(problem.split(name)).toHaveLength(2);
  });

  it.each(['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'RETRAIN_SOURCE_ENDPOINT_URL_S3'])(
    'is not shown where %s may hold a password',
    (name) => {
      const read = () => config({}, undefined, { [name]: url('http') });
      expect(read).toThrow(`${name} has an "@", so it may hold a password: remove it, and set `);
      expect(read).not.toThrow(/hunter2|someone/);
    },
  );
});

describe('pipelines in params.yaml', () => {
  it('merge a section over the top-level settings, key by key', () => {
    expect(config(TWO, 'wine').params).toEqual({
      data: { source: './wine.csv', target: 'quality' },
      model: { max_depth: 3, min_gain: 0.01 },
    });
    expect(config(TWO).params).toEqual({ model: { max_depth: 7, min_gain: 0.01 } });
    expect(config(TWO, 'coffee').params).toEqual({ model: { max_depth: 7, min_gain: 0.01 } });
  });

  it('may include a section for the default pipeline', () => {
    const file = { ...TWO, pipelines: { iris: { model: { max_depth: 9 } } } };
    expect(config(file).params['model']).toEqual({ max_depth: 9, min_gain: 0.01 });
  });

  it('give the same hashes as a file without sections', () => {
    const part = fc.record(
      {
        data: fc.record({ batch_size: fc.integer({ min: 1, max: 99 }) }, { requiredKeys: [] }),
        split: fc.record({ test_size: fc.constantFrom(0.1, 0.5) }, { requiredKeys: [] }),
        model: fc.record(
          { max_depth: fc.integer({ min: 1, max: 9 }), min_gain: fc.constantFrom(0, 0.5) },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    );
    const hash = (params: unknown): string => hashOf(parseParams(paramsSchema, params, 'params'));
    fc.assert(
      fc.property(part, part, (top, own) => {
        const flat = config(mergeParams(top, own)).params;
        const { params } = config({ ...top, pipelines: { wine: own } }, 'wine');
        expect(hash(params)).toBe(hash(flat));
      }),
      { numRuns: 60 },
    );
  });

  it('are listed in the sentence about one that is not among them', () => {
    expect(config(TWO, 'vine').unlisted).toMatch(
      /^params\.yaml has no pipeline vine, and no data of it is stored: choose one of iris, wine, coffee, start it with "npx retrain run 1 --pipeline vine --set data\.source=FILE", or/,
    );
    expect(config(TWO, 'wine').unlisted).toBeUndefined();
  });

  it('have as their own what their section sets, and the default one what the top sets', () => {
    expect(config(TWO, 'wine').ownParams).toEqual(TWO.pipelines.wine);
    expect(config(TWO).ownParams).toEqual({ model: TWO.model });
    expect(config(TWO, 'vine').ownParams).toEqual({});
  });

  it('are not needed: a file without them accepts any name, with the settings of the file', () => {
    const { tracking, pipeline, params } = config({ model: { max_depth: 2 } }, 'anything');
    expect({ pipeline, params }).toEqual({
      pipeline: 'anything',
      params: { model: { max_depth: 2 } },
    });
    expect(tracking).toMatchObject({
      experimentName: 'incremental_training-anything',
      modelName: 'anything',
    });
  });

  it.each([
    [{ data: { sorce: 'x' } }, 'params.yaml, pipelines.wine: data.sorce is not a known key'],
    [{ modle: {} }, 'params.yaml, pipelines.wine: modle is not a known key'],
    [{ model: { max_depth: 0 } }, 'params.yaml, pipelines.wine: model.max_depth is 0'],
    [{ mlflow: { experiment: 'x' } }, 'pipelines.wine: mlflow.experiment is not a known key'],
    [{ storage: { bucket: 'mine' } }, 'pipelines.wine: a pipeline cannot set storage (all'],
    [{ pipeline: 'x' }, 'pipelines.wine: a pipeline cannot set pipeline'],
    ['a word', 'params.yaml: pipelines.wine is "a word"'],
  ])('refuse their own commands for %j in a section, and no others', (section, sentence) => {
    const file = { ...TWO, pipelines: { ...TWO.pipelines, wine: section } };
    expect(() => config(file, 'wine')).toThrow(sentence);
    for (const other of [undefined, 'coffee', 'vine'])
      expect(config(file, other).params).toEqual({ model: TWO.model });
    expect(config(file).pipelines).toEqual(['iris', 'wine', 'coffee']);
  });

  it('are all named where they are wrong, also that of the default pipeline', () => {
    const file = {
      pipelines: { tea: { modle: {} }, wine: {}, coffee: 7, iris: { model: { max_depth: 0 } } },
    };
    expect(() => config(file)).toThrow('pipelines.iris: model.max_depth is 0');
    expect(readParams(root).findWrongSections().map(messageOf)).toEqual([
      expect.stringMatching(/^params\.yaml, pipelines\.iris: model\.max_depth is 0/),
      expect.stringMatching(/^params\.yaml, pipelines\.tea: modle is not a known key/),
      expect.stringMatching(/^params\.yaml: pipelines\.coffee is 7/),
    ]);
    config(TWO);
    expect(readParams(root).findWrongSections()).toEqual([]);
  });

  it('refuse every command for a wrong value at the top', () => {
    const file = { ...TWO, model: { max_depth: 0 } };
    for (const pipeline of [undefined, 'wine', 'vine'])
      expect(() => config(file, pipeline)).toThrow('params.yaml: model.max_depth is 0');
  });

  it.each([
    [{ gate: { metric: 'acuracy' } }, 'gate.metric is "acuracy": expected one of accuracy, '],
    [{ mlflow: { tracking_uri: 'ftp://x' } }, 'mlflow.tracking_uri starts with "ftp:", which'],
    [{ data: { source: 'ftp://a/x.csv' } }, 'data.source ftp://… is not a known source: give'],
    [{ data: { source: 's3://Bucket/x.csv' } }, 'data.source s3://Bucket/x.csv is not an object'],
    [{ data: { source: 's3://Bucket/x/' } }, 'data.source s3://Bucket/x/ is not a prefix'],
    [{ data: { source: 's3://me:secret@bucket/x.csv' } }, 'data.source holds a user or password'],
  ])('are refused where the file has a value that no run can have: %j', (wrong, sentence) => {
    const file = { pipelines: { wine: wrong } };
    expect(problemOf(() => config(file, 'wine'))).toMatch(
      new RegExp(`^params\\.yaml, pipelines\\.wine: ${escape(sentence)}`),
    );
    expect(config(file).params).toEqual({});
    for (const pipeline of [undefined, 'wine'])
      expect(problemOf(() => config({ ...wrong, pipelines: { wine: {} } }, pipeline))).toMatch(
        new RegExp(`^params\\.yaml: ${escape(sentence)}`),
      );
  });

  it('are refused with a gate that compares a score of another task than is written', () => {
    const gate = { metric: 'rmse' };
    const file = (wine: object) => ({
      gate,
      pipelines: { wine, iris: { gate: { metric: null } } },
    });
    expect(problemOf(() => config(file({ model: { task: 'classification' } }), 'wine'))).toMatch(
      /^params\.yaml, pipelines\.wine: gate\.metric is "rmse": expected one of accuracy, [^:]* for classification, or null$/,
    );
    // The task may be frozen.
    for (const wine of [{}, { model: { task: 'regression' } }])
      expect(config(file(wine), 'wine').params).toMatchObject({ gate });
    const top = { gate, model: { task: 'classification' } };
    expect(problemOf(() => config(top))).toMatch(/^params\.yaml: gate\.metric is "rmse"/);
    const other = { ...top, pipelines: { wine: { model: { task: 'regression' } } } };
    expect(config(other, 'wine').params).toMatchObject({ gate });
  });

  it('may be named like what every object has', () => {
    expect(config(TWO, 'constructor').params).toEqual({ model: TWO.model });
  });

  it('may use anchors and aliases, but none that contains itself', () => {
    const shared = 'model: &tree {max_depth: 4}\npipelines: {wine: {model: *tree}}';
    expect(config(shared, 'wine').params).toEqual({ model: { max_depth: 4 } });
    expect(() => config('data: &a {columns: *a}')).toThrow(
      /params\.yaml has an alias that contains/,
    );
  });

  it('may not be in several YAML documents', () => {
    expect(() => config('schema: 1\n---\npipeline: iris')).toThrow(
      /params\.yaml holds several YAML documents: keep one, and remove the line "---"/,
    );
  });

  it('are refused when the name is not a valid one', () => {
    expect(() => config({ pipelines: { 'my wine': {} } })).toThrow(/pipelines\.my wine/);
  });
});

describe('the params.yaml of a worker', () => {
  it.each([
    ['gate: {metric: acuracy}', "the worker's params.yaml: gate.metric is"],
    ['pipelines: {wine: {data: {target: 5}}}', "the worker's params.yaml, pipelines.wine: data."],
    ['pipelines: {wine: 5}', "the worker's params.yaml: pipelines.wine is 5"],
    ['pipelines: {wine: {storage: {}}}', "the worker's params.yaml, pipelines.wine: a pipeline"],
    ['pipelines: {wine: {mlflow: {model_name: iris}}}', "the worker's params.yaml: pipelines iris"],
    ['a: [', "the worker's /"],
    ['a: &a {b: *a}', "the worker's /"],
    ['a: 1\n---\nb: 1', "the worker's /"],
  ])('is called so where a run cannot use it: %s', (text, start) => {
    writeFileSync(join(root, 'params.yaml'), text);
    const problem = problemOf(() => loadRunConfig(root, {}, 'wine'));
    expect(problem.slice(0, start.length)).toBe(start);
  });

  it('is called so where it does not list a pipeline', () => {
    config(TWO);
    expect(loadRunConfig(root, {}, 'vine').unlisted).toMatch(
      /^the worker's params\.yaml has no pipeline vine, /,
    );
  });
});

describe('names in MLflow', () => {
  const names = ({ tracking: { experimentName, modelName } }: Config): string[] => [
    experimentName,
    modelName,
  ];

  it('are the top-level ones for the default pipeline, and derived ones for another', () => {
    expect(names(config(TWO))).toEqual(['incremental_training', 'iris']);
    expect(names(config(TWO, 'wine'))).toEqual(['incremental_training-wine', 'wine']);
  });

  it('come from a section, and are never inherited', () => {
    const file = {
      mlflow: { experiment_name: 'flowers', model_name: 'iris tree' },
      pipelines: { wine: { mlflow: { experiment_name: 'cellar', model_name: 'red' } }, tea: {} },
    };
    expect(names(config(file))).toEqual(['flowers', 'iris tree']);
    expect(names(config(file, 'wine'))).toEqual(['cellar', 'red']);
    expect(names(config(file, 'tea'))).toEqual(['flowers-tea', 'tea']);
    const env = { MLFLOW_EXPERIMENT_NAME: 'mine' };
    expect(names(config(file, 'tea', env))).toEqual(['mine-tea', 'tea']);
  });

  it('may not be the same registered model for two pipelines', () => {
    const file = { pipelines: { wine: { mlflow: { model_name: 'iris' } } } };
    expect(() => config(file)).toThrow('pipelines iris and wine both register the model iris');
  });

  it('may not be the same registered model where a section is wrong otherwise', () => {
    const wine = { mlflow: { model_name: 'tea' }, model: { max_depth: 0 } };
    for (const pipeline of [undefined, 'wine', 'tea'])
      expect(() => config({ pipelines: { wine, tea: { modle: {} } } }, pipeline)).toThrow(
        'pipelines wine and tea both register the model tea',
      );
  });
});

describe('the local stack’s MLflow', () => {
  const env = { RETRAIN_STACK_MLFLOW_URI: 'http://127.0.0.1:5055' };

  it.each([
    ['replaces the default address', {}, env['RETRAIN_STACK_MLFLOW_URI']],
    [
      'is not put over another server',
      { tracking_uri: 'http://mlflow.example' },
      'http://mlflow.example',
    ],
  ])('%s', (_, mlflow, uri) => {
    expect(config({ mlflow }, undefined, env).tracking.uri).toBe(uri);
  });

  it('does not replace a directory, but the environment does', () => {
    const file = { mlflow: { tracking_uri: './mlruns' } };
    expect(config(file, undefined, env).tracking.uri).toMatch(/^file:\/\/.*\/mlruns$/);
    const both = { ...env, MLFLOW_TRACKING_URI: 'http://elsewhere' };
    expect(config(file, undefined, both).tracking.uri).toBe('http://elsewhere');
  });

  it('may serve one pipeline while another uses a directory', () => {
    const file = { pipelines: { wine: { mlflow: { tracking_uri: './mlruns' } } } };
    expect(config(file, undefined, env).tracking.uri).toBe(env['RETRAIN_STACK_MLFLOW_URI']);
    expect(config(file, 'wine', env).tracking.uri).toMatch(/^file:/);
  });
});
