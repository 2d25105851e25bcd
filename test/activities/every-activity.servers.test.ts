import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readGate } from '../../contract/defaults.ts';
import type { Ref } from '../../contract/ref.ts';
import { STAGE_NAMES } from '../../contract/stages.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { openOddServer, type OddServer } from '../support/odd-server.ts';
import {
  openActivities,
  type ActivityName,
  type PlayedActivities,
  type OfRun,
} from './play-activity.ts';
import { unique } from '../support/project.ts';
import { ask as askMlflow, versionsOf } from '../tracking/server.ts';

/** Each activity alone, in Temporal's mock environment: its heartbeats, its end when cancelled, its failures. */

const pipeline = unique('alone');
let activities: PlayedActivities;
let hook: OddServer;
/** What each activity is asked in a run of the first batch. */
let asks: Record<ActivityName, Record<string, unknown>>;

beforeAll(async () => {
  hook = await openOddServer({
    '/hook': () => undefined, // takes the request, and never answers
  });
  activities = await openActivities(pipeline, new URL(hook.url('/hook')));
  asks = await firstBatch();
});
afterEach(() => {
  for (const proxy of [activities.s3, activities.mlflow]) proxy.poison(undefined);
});
afterAll(async () => {
  await activities?.close();
  await hook?.close();
});

/** Runs the stages of a batch, as the workflow does, and keeps what each is asked. */
async function firstBatch(): Promise<typeof asks> {
  const { params, paramsHash } = await activities.answer('pin_run', { batch: 1 });
  const stage = { pipeline, batch: 1, params, damaged: [], cache: 'use', force: null };
  const get_data = { ...stage, source: null, refresh: false, inputs: {} };
  const data = await activities.answer('get_data', get_data);
  const { raw, columns } = data.outputs;
  const prepare_batch = { ...stage, inputs: { raw, columns } };
  const prepared = await activities.answer('prepare_batch', prepare_batch);
  const { ledgerRevision } = prepared;
  const merge_data = { ...stage, ledgerRevision, inputs: {} };
  const union = await activities.answer('merge_data', merge_data);
  const preprocess = { ...stage, inputs: { merged: union.outputs.merged, columns } };
  const processed = await activities.answer('preprocess', preprocess);
  const { train: rows, test, encoder } = processed.outputs;
  const train = {
    ...stage,
    trackingFolder: null,
    mayDefer: false,
    inputs: { train: rows, encoder },
  };
  const trained = await activities.answer('train', train);
  const { attempt, mlflow } = trained;
  const inputs = { model: trained.outputs.model, encoder, test, train: rows };
  const evaluate = { ...stage, attempt, mlflow, mayDefer: false, inputs };
  const scored = await activities.answer('evaluate', evaluate);
  const { metrics } = scored.outputs;
  const gate = { ...stage, champion: null, inputs: { ...inputs, metrics } };
  const decided = await activities.answer('gate', gate);
  const done = [data, prepared, union, processed, trained, scored, decided];
  const stages = done.map(({ stage: name, key, cached }) => ({ stage: name, key, cached }));
  const about = { pipeline, batch: 1, params, paramsHash, ledgerRevision, stages };
  const publish_version = { ...about, attempt, mlflow, healed: [], comparisons: [], forced: false };
  await activities.answer('publish_version', publish_version);
  const note_promotion = {
    pipeline,
    id: 'a note',
    action: 'held',
    build: { version: 1, seq: 1 },
    by: 'gate',
    reason: 'it is worse',
    decision: null,
  };
  // The answer that there is no record of promotions yet has no bytes that could stall.
  await activities.answer('note_promotion', { ...note_promotion, id: 'the first note' });
  const nightly = { pipeline, params, source: null, rebuild: false };
  return {
    pin_run: { batch: 1 },
    pin_nightly: {},
    find_missing: { pipeline, before: 3 },
    find_pending: { ...nightly, look: true },
    get_data,
    prepare_batch,
    merge_data,
    preprocess,
    train,
    evaluate,
    gate,
    publish_version,
    log_version: { pipeline, version: 1 },
    pin_promotion: { pipeline },
    promote_version: {
      pipeline,
      id: 'a promotion',
      proposal: { pipeline, version: 1, seq: 1, decision: decided.decision, gate: readGate({}) },
      by: 'gate',
      reason: decided.decision.reason,
      waits: false,
    },
    change_champion: {
      pipeline,
      id: 'a change',
      action: 'promoted',
      version: 1,
      by: 'ann',
      reason: 'it is the best',
    },
    note_promotion,
    decide_again: { pipeline, version: 1, seq: 1 },
    close_runs: { status: 'KILLED' },
    notify: {
      event: 'completed',
      outcome: 'trained',
      pipeline,
      batch: 1,
      version: null,
      metrics: null,
      error: null,
      links: {},
      message: '',
    },
  };
}

/** What an activity fails with. */
const failure = async (ended: Promise<unknown>): Promise<unknown> =>
  ended.then(
    (answer) => ({ answer }),
    (error: unknown) => error,
  );

const STORES = [
  'find_missing',
  'find_pending',
  ...STAGE_NAMES,
  'publish_version',
  'log_version',
  'pin_promotion',
  'promote_version',
  'change_champion',
  'note_promotion',
  'decide_again',
] as const;

/** While its server takes requests and does not finish its answers. */
async function hangs(name: ActivityName): Promise<{ left: unknown; cancelled: unknown }> {
  const [one, other] = [activities.play(name, asks[name]), activities.play(name, asks[name])];
  const ends = Promise.all([failure(one.ended), failure(other.ended)]);
  await Promise.all([one.alive, other.alive]);
  other.environment.cancel();
  const [left, cancelled] = await ends;
  return { left, cancelled };
}

describe('while its server hangs, an activity is alive, ends when it is cancelled, and says what is away', () => {
  it.each(STORES)('%s, of the S3 server', async (name) => {
    activities.s3.poison('stall');
    const { left, cancelled } = await hangs(name);
    expect(cancelled).toBeInstanceOf(CancelledFailure);
    expect(left).toMatchObject({ type: 'StorageUnavailable', nonRetryable: false });
  });

  it.each(['train', 'evaluate', 'log_version', 'close_runs'] as const)(
    '%s, of MLflow',
    async (name) => {
      // Params that nothing is logged of yet: what is logged is not asked for again.
      const fresh = name === 'train' || name === 'evaluate' ? await unlogged() : asks;
      const asked = asks;
      asks = fresh;
      activities.mlflow.poison('stall');
      const { left, cancelled } = await hangs(name).finally(() => (asks = asked));
      expect(cancelled).toBeInstanceOf(CancelledFailure);
      expect(left).toMatchObject({ type: 'TrackingUnavailable', nonRetryable: false });
    },
  );

  it('notify, of the webhook', async () => {
    const { environment, alive, ended } = activities.play('notify', asks.notify);
    const end = failure(ended);
    await alive;
    environment.cancel();
    expect(await end).toBeInstanceOf(CancelledFailure);
  });
});

let depth = 20;

/** The same requests for a model of another depth: trained, where it is evaluated, and not logged further. */
async function unlogged(): Promise<typeof asks> {
  const { params } = asks.train as { params: { model: object } };
  const other = { ...params, model: { ...params.model, max_depth: depth++ } };
  const train = { ...asks.train, params: other };
  const { attempt, outputs } = await activities.answer('train', train);
  const { inputs } = asks.evaluate as { inputs: Record<string, Ref> };
  const evaluate = { ...asks.evaluate, params: other, attempt };
  return {
    ...asks,
    train: { ...train, params: { ...other, model: { ...other.model, max_depth: depth++ } } },
    evaluate: { ...evaluate, inputs: { ...inputs, model: outputs.model } },
  };
}

describe('what goes on after its run has ended, as a worker does that slept', () => {
  let ended: OfRun;
  let tracker: Tracker;
  const statuses = async (tags: Record<string, string>): Promise<string[]> => {
    const experiment = await tracker.ensureExperiment(pipeline);
    return (await tracker.findRuns(experiment, tags)).map(({ status }) => status);
  };

  beforeAll(async () => {
    tracker = createMlflowTracker({ uri: process.env['MLFLOW_TRACKING_URI']! });
    const connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS']! });
    const client = new Client({ connection });
    const handle = await client.workflow.start('trainBatch', {
      workflowId: pipeline,
      taskQueue: `nobody-${pipeline}`,
      args: [{ batch: 1 }],
    });
    await handle.terminate();
    ended = { client, workflowId: pipeline, runId: handle.firstExecutionRunId };
  });
  afterAll(() => ended?.client.connection.close());

  it('train ends the MLflow run it has opened', async () => {
    const { train } = await unlogged();
    expect(await failure(activities.play('train', train, ended).ended)).toBeInstanceOf(
      CancelledFailure,
    );
    expect(await statuses({ 'temporal.run_id': ended.runId })).toEqual(['KILLED']);
  });

  it('evaluate does not show the run as finished', async () => {
    const { evaluate } = await unlogged();
    const { attempt } = evaluate as { attempt: string };
    expect(await failure(activities.play('evaluate', evaluate, ended).ended)).toBeInstanceOf(
      CancelledFailure,
    );
    expect(await statuses({ 'retrain.attempt': attempt })).toEqual(['RUNNING']);
  });
});

describe('evaluate', () => {
  it('deletes the model version that a killed execution of train has left', async () => {
    const { evaluate } = await unlogged();
    const versions = async () =>
      (await versionsOf(pipeline)).filter(({ tags }) =>
        tags.some(({ value }) => value === evaluate['attempt']),
      );
    const [registered] = await versions();
    const { source, run_id, tags } = registered!;
    const model_id = source.replace('models:/', '');
    const again = { name: pipeline, source, run_id, model_id, tags };
    await askMlflow('POST', 'model-versions/create', again);
    expect(await versions()).toHaveLength(2);
    await activities.answer('evaluate', evaluate);
    expect((await versions()).map(({ version }) => version)).toEqual([registered!.version]);
  });
});

describe('what a person must repair fails at once, by name', () => {
  const gone = {
    path: 'data/merged/',
    md5: `${'0'.repeat(32)}.dir`,
    sha256: '0'.repeat(64),
    size: 1,
  };

  it.each<[ActivityName, Record<string, unknown>, string, RegExp]>([
    ['pin_run', { batch: 0 }, 'BadParams', /batch is 0/],
    ['pin_nightly', { batch: 1 }, 'BadParams', /batch is not a known key/],
    ['find_missing', { before: 600 }, 'BadParams', /in portions/],
    ['prepare_batch', { batch: 99 }, 'MissingHistory', /99/],
    ['merge_data', { batch: 2, cache: 'require' }, 'MissingHistory', /2/],
    ['preprocess', { inputs: { merged: gone } }, 'DamagedArtifact', /data\/merged\//],
    ['evaluate', { attempt: 'nobody' }, 'TrackingMoved', /stage train 1/],
    [
      'publish_version',
      { stages: [{ stage: 'train', key: 'k' }] },
      'MissingHistory',
      /train \(k\)/,
    ],
    ['log_version', { version: 9 }, 'MissingHistory', /9/],
  ])('%s %j: %s', async (name, over, type, sentence) => {
    const failed = await failure(activities.play(name, merged(asks[name], over)).ended);
    expect(failed).toBeInstanceOf(ApplicationFailure);
    expect(failed).toMatchObject({ type, nonRetryable: true });
    expect((failed as Error).message).toMatch(sentence);
  });
});

/** Trains, scores and publishes the batch by another depth: asks for its publishing. */
async function otherBuild(): Promise<Record<string, unknown>> {
  const { params } = asks.train as { params: { model: object } };
  const other = { ...params, model: { ...params.model, max_depth: depth++ } };
  const trained = await activities.answer('train', { ...asks.train, params: other });
  const { attempt, mlflow, outputs } = trained;
  const inputs = { ...(asks.evaluate['inputs'] as object), model: outputs.model };
  const scored = await activities.answer('evaluate', {
    ...asks.evaluate,
    params: other,
    attempt,
    mlflow,
    inputs,
  });
  const standing = asks.publish_version['stages'] as { stage: string }[];
  const stages = standing.map((ran) => {
    const own = [trained, scored].find(({ stage }) => stage === ran.stage);
    return own === undefined ? ran : { stage: own.stage, key: own.key, cached: false };
  });
  const publish = { ...asks.publish_version, params: other, stages, attempt, mlflow };
  await activities.answer('publish_version', publish);
  return publish;
}

/** The model version that the registry's alias of the batch points to. */
async function aliased(): Promise<unknown> {
  const at = new URL('/api/2.0/mlflow/registered-models/alias', process.env['MLFLOW_TRACKING_URI']);
  at.search = String(new URLSearchParams({ name: pipeline, alias: 'batch-1' }));
  const { model_version } = (await (await fetch(at)).json()) as { model_version: object };
  return (model_version as { version: string }).version;
}

it('the alias follows the build that is the latest again, also where MLflow is away at first', async () => {
  const first = await otherBuild();
  const second = await otherBuild();
  const versionOf = (asked: Record<string, unknown>): unknown =>
    (asked['mlflow'] as { modelVersion: string }).modelVersion;
  expect(await aliased()).toBe(versionOf(second));
  activities.mlflow.poison('unavailable');
  expect(await failure(activities.play('publish_version', first).ended)).toMatchObject({
    type: 'TrackingUnavailable',
  });
  activities.mlflow.poison(undefined);
  expect(await activities.answer('publish_version', first)).toMatchObject({ version: 1 });
  expect(await aliased()).toBe(versionOf(first));
});

it('train logs the model it has just fitted from its own disk', async () => {
  const params = asks.train['params'] as { model: object };
  const knobs = { ...params.model, max_depth: 1, min_samples_leaf: 7 };
  const train = { ...asks.train, params: { ...params, model: knobs } };
  activities.s3.seen();
  const { outputs, mlflow } = await activities.answer('train', train);
  expect(mlflow).not.toBeNull();
  const { md5 } = outputs.model;
  const path = `/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`;
  const asked = activities.s3.seen().filter((line) => line.includes(path));
  expect(asked.some((line) => line.startsWith('PUT'))).toBe(true);
  expect(asked.filter((line) => line.startsWith('GET'))).toEqual([]);
});

/** Laid over it, `inputs` key by key. */
function merged(ask: Record<string, unknown>, over: Record<string, unknown>): object {
  const inputs = { ...(ask['inputs'] as object), ...(over['inputs'] as object | undefined) };
  return { ...ask, ...over, ...(ask['inputs'] === undefined ? {} : { inputs }) };
}
