import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ResultDocument } from '../../client/result.ts';
import { describeFailure } from '../../client/failure.ts';
import { unique } from '../support/project.ts';
import { withProject } from '../support/with-project.ts';

const WINE = unique('wine');
const TWIN = unique('twin');

const project = withProject('pipelines', {
  prepare: ({ write }) => {
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${i},${i % 7},${i % 2 === 0 ? 'red' : 'white'}`,
    );
    write('wine.csv', `acid,sugar,colour\n${rows.join('\n')}\n`);
    const wine = { data: { source: './wine.csv', target: 'colour', batch_size: 20 } };
    write(
      'params.yaml',
      stringify({ pipeline: 'iris', pipelines: { [WINE]: wine, [TWIN]: null } }),
    );
  },
});
const { json, store, temporal } = project;

describe('two pipelines at once on one worker', () => {
  let iris: ResultDocument;
  let wine: ResultDocument;

  beforeAll(async () => {
    [iris, wine] = await Promise.all([
      json<ResultDocument>('run', '1'),
      json<ResultDocument>('run', '1', '--pipeline', WINE),
    ]);
  });

  it('each run with the params of its section', () => {
    const [flowers, bottles] = [iris, wine].map(({ params }) => params as Record<string, object>);
    expect(flowers!['data']).toMatchObject({ source: 'iris', target: 'species', batch_size: 50 });
    expect(bottles!['data']).toMatchObject({ target: 'colour', batch_size: 20 });
    expect([iris.workflowId, wine.workflowId]).toEqual(['iris-batch-1', `${WINE}-batch-1`]);
  });

  it('have an experiment and a registered model each', () => {
    expect([iris.mlflow?.modelName, wine.mlflow?.modelName]).toEqual(['iris', WINE]);
    expect(iris.mlflow!.experimentId).not.toBe(wine.mlflow!.experimentId);
    expect(wine.mlflow!.modelVersion).toBe('1');
  });

  it('have a ledger each, cut as their sections say', async () => {
    const [flowers, bottles] = await Promise.all(
      ['iris', WINE].map((name) => store.ledgers.read(name)),
    );
    expect(flowers!.batches.map(({ rows }) => rows)).toEqual([50]);
    expect(bottles!.batches.map(({ rows }) => rows)).toEqual([20]);
    expect(bottles!.settings.target).toBe('colour');
  });

  it('write their metrics where neither takes the place of the other', () => {
    const rows = (path: string): number =>
      (JSON.parse(readFileSync(join(project.folder, path), 'utf8')) as { test_rows: number })
        .test_rows;
    expect(rows('metrics/batch_1.json')).toBe(iris.metrics!['test_rows']);
    expect(rows(`metrics/${WINE}/batch_1.json`)).toBe(wine.metrics!['test_rows']);
  });

  it('are listed side by side, or alone where one is named', async () => {
    const line = { version: 1, build: 1, state: 'published', modelVersion: '1' };
    const empty = { stale: [], quarantined: [] };
    const champion = { version: 1, build: 1 };
    const all = await json<object>('list');
    expect(all).toEqual({
      pipeline: 'iris',
      champion,
      versions: [expect.objectContaining({ version: 1 })],
      stale: [],
      quarantined: [],
      others: [
        { ...empty, pipeline: WINE, champion, versions: [expect.objectContaining(line)] },
        { ...empty, pipeline: TWIN, champion: null, versions: [] },
      ],
    });
    const one = {
      ...empty,
      pipeline: WINE,
      champion,
      versions: [expect.objectContaining(line)],
    };
    expect(await json<object>('list', '--pipeline', WINE)).toEqual(one);
    const { stdout, stderr } = await project.client('list');
    expect(stdout.split('\n').filter((text) => /^\w+(-\w+)*$/.test(text))).toEqual(['iris', WINE]);
    expect(stderr).toBe(
      `${TWIN} has no version yet: make one with "npx retrain run 1 --pipeline ${TWIN}"\n`,
    );
  });

  it('have a schedule each', async () => {
    const create = (...more: string[]): Promise<{ schedule: string }> =>
      json('schedule', 'create', '--cron', '0 2 1 1 *', '--timezone', 'UTC', ...more);
    expect((await create()).schedule).toBe('iris-nightly');
    expect((await create('--pipeline', WINE)).schedule).toBe(`${WINE}-nightly`);
    const { schedules } = await json<{ schedules: { schedule: string }[] }>('schedule', 'list');
    expect(schedules.map(({ schedule }) => schedule)).toEqual(
      expect.arrayContaining(['iris-nightly', `${WINE}-nightly`]),
    );
  });

  it('let a nightly of one leave the other alone', async () => {
    const night = await json<{ batches: { batch: number }[] }>('nightly', '--pipeline', WINE);
    expect(night.batches.map(({ batch }) => batch)).toEqual([2]);
    expect((await store.records.list('iris')).map(({ version }) => version)).toEqual([1]);
  });
});

describe('a pipeline that params.yaml does not have', () => {
  const SENTENCE = `params.yaml has no pipeline vine, and no data of it is stored: choose one of iris, ${WINE}, ${TWIN}, start it with`;

  it.each([['run', '1'], ['list']])('is refused by %s', async (...args) => {
    const { code, stdout, stderr } = await project.client(...args, '--pipeline', 'vine');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(SENTENCE);
  });

  it('is refused by the worker, whichever client asks for it', async () => {
    const ends = temporal.workflow.execute('trainBatch', {
      workflowId: 'vine-batch-1',
      taskQueue: 'incremental-training',
      args: [{ batch: 1, pipeline: 'vine' }],
    });
    const failure = await ends.then(() => undefined, describeFailure);
    expect(failure).toMatchObject({
      type: 'BadParams',
      message: expect.stringContaining(SENTENCE),
    });
  });
});

describe('a pipeline over the same data, with the same params', () => {
  it('takes earlier stages from the cache of another, and nothing that is that one’s own', async () => {
    const iris = await json<ResultDocument>('run', '1');
    const twin = await json<ResultDocument>('stage', 'train', '1', '--pipeline', TWIN);
    expect(twin.stages.map(({ stage, cached }) => [stage, cached]).slice(0, 5)).toEqual([
      ['get_data', true],
      ['prepare_batch', true],
      ['merge_data', true],
      ['preprocess', true],
      ['train', true],
    ]);
    expect(twin.stages[4]!.cachedFrom).toMatchObject({ workflowId: 'iris-batch-1' });
    expect(twin.stages[4]!.outputs).toEqual(iris.stages[4]!.outputs);
    // Its ledger is its own, and says the same; its run, experiment and model are its own.
    const [own, theirs] = await Promise.all([TWIN, 'iris'].map((name) => store.ledgers.read(name)));
    expect(own).toMatchObject({
      pipeline: TWIN,
      settings: theirs!.settings,
      batches: [{ batch: 1 }],
    });
    expect(twin.mlflow).toMatchObject({ modelName: TWIN, modelVersion: '1' });
    expect(twin.mlflow!.runId).not.toBe(iris.mlflow!.runId);
    expect(twin.mlflow!.experimentId).not.toBe(iris.mlflow!.experimentId);
    // A stage alone publishes nothing; the whole run makes the pipeline's own first version.
    expect(await store.records.list(TWIN)).toEqual([]);
    const whole = await json<ResultDocument>('run', '1', '--pipeline', TWIN);
    expect(whole.mlflow!.runId).toBe(twin.mlflow!.runId);
    expect(await store.records.list(TWIN)).toMatchObject([
      { version: 1, seq: 1, run_id: twin.mlflow!.runId, model_version: '1' },
    ]);
    const record = await store.records.latest(TWIN, 1);
    expect(record).toMatchObject({ pipeline: TWIN, workflow: { workflow_id: `${TWIN}-batch-1` } });
    expect(record.mlflow).toMatchObject({ model_name: TWIN });
  });

  it('freezes its own settings', async () => {
    const bigger = ['--set', 'data.batch_size=75'];
    const { code, stderr } = await project.client('run', '2', '--pipeline', TWIN, ...bigger);
    expect(code).toBe(2);
    expect(stderr).toContain(`since the first batch of ${TWIN} was cut`);
  });
});
