import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Activities } from '../../contract/activities.ts';
import { pinRun } from '../../activities/pin_run.ts';
import { STAGE_NAMES, type StageName, type StageRequest } from '../../contract/stages.ts';
import type { TrainBatchInput } from '../../contract/train-batch.ts';
import { joinRun, progress } from '../../contract/messages.ts';
import type { trainBatch } from '../../workflows/index.ts';
import { makeDecision } from '../support/promotions.ts';
import {
  openTimeSkipping,
  readHeartbeats,
  type WorkflowServer,
} from '../support/workflow-server.ts';

/**
 * The workflow alone, on Temporal's time-skipping test server: what it asks of its activities, in which
 * order, and what it does when one fails. The activities are stubs here; test/e2e has the real ones.
 */

const CHAIN = [...STAGE_NAMES, 'publish_version'];

let temporal: WorkflowServer;

beforeAll(async () => {
  temporal = await openTimeSkipping(new URL('../../workflows/index.ts', import.meta.url));
});
afterAll(() => temporal?.close());

interface Call {
  name: string;
  request: Partial<StageRequest<StageName>>;
}

/** What any stage answers. */
const ref = { path: 'x', md5: '0'.repeat(32), sha256: '0'.repeat(64), size: 1 };
const outputs = Object.fromEntries(
  ['raw', 'columns', 'batch', 'merged', 'train', 'test', 'encoder', 'model', 'metrics'].map(
    (name) => [name, { ...ref, path: name }],
  ),
);

/** What the gate says of a build that does not become the champion. */
const HELD = makeDecision(
  { version: 1, seq: 1 },
  { outcome: 'hold', reason: 'it is shown to be worse' },
);

const standInResult = (stage: string) => ({
  stage,
  key: `key of ${stage}`,
  cached: false,
  durationMs: 1,
  startedAt: '',
  outputs,
  facts: {},
  warnings: [],
  healed: [],
});

/** Stubs that note their calls; `over` replaces some. Runs are pinned by a worker with the settings `own`. */
function standIns(
  over: Partial<Record<keyof Activities, (request: never) => unknown>> = {},
  own: { heartbeatTimeout?: number } = {},
) {
  const calls: Call[] = [];
  const mlflow = { experimentId: '1', runId: 'r', modelName: 'm', modelVersion: '1' };
  const answers: Record<string, (request: never) => unknown> = {
    ...Object.fromEntries(CHAIN.map((name) => [name, () => standInResult(name)])),
    prepare_batch: () => ({ ...standInResult('prepare_batch'), ledgerRevision: 7 }),
    train: () => ({ ...standInResult('train'), attempt: 'a', mlflow }),
    evaluate: () => ({ ...standInResult('evaluate'), mlflow, champion: null }),
    gate: () => ({ ...standInResult('gate'), decision: HELD }),
    publish_version: () => ({ record: ref, version: 2, seq: 1, metrics: { accuracy: 1 } }),
    close_runs: () => undefined,
    ...over,
  };
  const activities = Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [
      name,
      async (request: never) => {
        calls.push({ name, request });
        return answer(request);
      },
    ]),
  );
  const config = {
    pipeline: 'p',
    params: {},
    ownParams: {},
    unlisted: undefined,
    nightly: { onQuarantine: 'warn' },
  } as const;
  const ledgers = { read: async () => undefined };
  const store = { bucket: { location: { bucket: 'b' } }, ledgers } as never;
  const deps = { readConfig: () => config, store, trackingOf: () => ({}) as never, ...own };
  const pin_run = async (input: unknown) => pinRun(deps, input);
  return { calls, activities: { ...activities, pin_run } };
}

/** Runs the workflow with its own worker until `use` is done. */
function withRun<T>(
  input: TrainBatchInput,
  activities: object,
  use: (handle: Awaited<ReturnType<typeof startRun>>) => Promise<T>,
): Promise<T> {
  return temporal.withWorker(activities, async (queue) => use(await startRun(queue, input)));
}

const startRun = (taskQueue: string, input: TrainBatchInput) =>
  temporal.client.workflow.start<typeof trainBatch>('trainBatch', {
    taskQueue,
    workflowId: `run-${taskQueue}`,
    args: [input],
  });

const names = (calls: Call[]): string[] => calls.map(({ name }) => name);

describe('trainBatch', () => {
  it('runs the stages in order and publishes the version; batch alone suffices', async () => {
    const { calls, activities } = standIns();
    const summary = await withRun({ batch: 2 }, activities, (handle) => handle.result());
    expect(names(calls)).toEqual(CHAIN);
    expect(summary).toMatchObject({ pipeline: 'p', batch: 2, version: { version: 2 } });
    expect(summary.stages.map(({ state }) => state)).toEqual(CHAIN.slice(0, -1).map(() => 'done'));
  });

  it('publishes the version where a worker of an earlier program, without a gate, has pinned it', async () => {
    const { calls, activities } = standIns();
    const earlier = {
      ...activities,
      pin_run: async (input: unknown) => {
        const run = await activities.pin_run(input);
        const { gate: _, ...params } = run.params;
        return {
          ...run,
          params,
          until: run.only ?? (run.until === 'gate' ? 'evaluate' : run.until),
        };
      },
    };
    const play = (input: TrainBatchInput) =>
      withRun(input, earlier, async (handle) => {
        const joined = await handle.executeUpdate(joinRun, { args: [input] });
        return { joined, summary: await handle.result() };
      });
    expect(await play({ batch: 2 })).toMatchObject({
      joined: [],
      summary: { version: { version: 2 } },
    });
    expect(names(calls)).toEqual(CHAIN);
    const { summary } = await play({ batch: 2, until: 'evaluate' });
    expect(summary.version).toBeNull();
    const again = names(calls).slice(CHAIN.length);
    expect(again).toEqual([...CHAIN.slice(0, CHAIN.indexOf('gate')), 'close_runs']);
  });

  it.each([
    ['waits 30 s for a heartbeat of each activity', {}, 30],
    ['waits for heartbeats as long as the worker that pinned it', { heartbeatTimeout: 7 }, 7],
  ])('%s', async (_, own, seconds) => {
    const { activities } = standIns({}, own);
    const scheduled = await withRun({ batch: 2 }, activities, async (handle) => {
      await handle.result();
      return readHeartbeats(handle);
    });
    expect(scheduled).toEqual(CHAIN.map((name) => [name, seconds]));
  });

  it('says that the gate holds the version, and why, and proposes nothing', async () => {
    const { activities } = standIns();
    const { promotion } = await withRun({ batch: 2 }, activities, (handle) => handle.result());
    expect(promotion).toEqual({
      version: 2,
      seq: 1,
      state: 'held',
      reason: 'it is shown to be worse',
      champion: { version: 1, seq: 1 },
      warnings: [],
    });
  });

  it('proposes no version that it repairs, and decides on it as its first run did', async () => {
    const proposed = { version: 1, seq: 1 };
    const { calls, activities } = standIns({
      gate: () => ({ ...standInResult('gate'), decision: makeDecision(proposed) }),
    });
    const repair = { champion: proposed, forced_by: 'the first run' };
    const input = { batch: 2, force: true, repair };
    const summary = await withRun(input, activities, async (handle) => {
      expect(await handle.executeUpdate(joinRun, { args: [{ batch: 2, force: true }] })).toEqual([
        { key: 'repair', running: repair, asked: null },
      ]);
      return handle.result();
    });
    expect(names(calls)).toEqual(CHAIN);
    expect(summary.promotion).toBeUndefined();
    expect(calls[4]!.request).toMatchObject({ cache: 'bypass', force: 'the first run' });
    expect(calls[6]!.request).toMatchObject({ champion: proposed });
    expect(calls[7]!.request).toMatchObject({ repair: true });
  });

  it('hands each stage references made above it, and the ledger as the batch left it', async () => {
    const { calls, activities } = standIns();
    await withRun({ batch: 2 }, activities, (handle) => handle.result());
    const inputs = Object.fromEntries(
      calls.map(({ name, request }) => [name, Object.keys(request.inputs ?? {}).sort()]),
    );
    expect(inputs).toMatchObject({
      get_data: [],
      prepare_batch: ['columns', 'raw'],
      preprocess: ['columns', 'merged'],
      train: ['encoder', 'train'],
      evaluate: ['encoder', 'model', 'test', 'train'],
    });
    expect(calls[2]!.request).toMatchObject({ ledgerRevision: 7 });
  });

  it('stops after `until`, and ends the MLflow run where training is the last', async () => {
    const { calls, activities } = standIns();
    await withRun({ batch: 1, until: 'merge_data' }, activities, (handle) => handle.result());
    expect(names(calls)).toEqual(CHAIN.slice(0, 3));
    const training = standIns();
    await withRun({ batch: 1, until: 'train' }, training.activities, (handle) => handle.result());
    expect(names(training.calls)).toEqual([...CHAIN.slice(0, 5), 'close_runs']);
    expect(training.calls.at(-1)!.request).toEqual({ pipeline: 'p', status: 'FINISHED' });
  });

  it('requires of the cache all but the only stage asked for', async () => {
    const { calls, activities } = standIns();
    await withRun({ batch: 1, only: 'preprocess' }, activities, (handle) => handle.result());
    expect(calls.map(({ request }) => request.cache)).toEqual([
      'require',
      'require',
      'require',
      'use',
    ]);
  });

  it('passes the cache by when forced, under an id that survives a reset', async () => {
    const { calls, activities } = standIns();
    const runId = await withRun({ batch: 1, force: true }, activities, async (handle) => {
      await handle.result();
      return handle.firstExecutionRunId;
    });
    expect(new Set(calls.slice(0, -1).map(({ request }) => request.cache))).toEqual(
      new Set(['bypass']),
    );
    expect(calls[4]!.request.force).toBe(runId);
  });

  it('refuses wrong input at once, with the sentence as its failure', async () => {
    const { calls, activities } = standIns();
    const failed = withRun({ batch: 0 }, activities, (handle) => handle.result());
    await expect(failed).rejects.toMatchObject({
      cause: { type: 'BadParams', message: expect.stringContaining('batch is 0') },
    });
    expect(calls).toEqual([]);
  });

  it('tries a retryable failure again for as long as it takes', async () => {
    let tries = 0;
    const { activities } = standIns({
      merge_data: () => {
        if (++tries < 30) throw ApplicationFailure.retryable('S3 is down', 'StorageUnavailable');
        return {
          stage: 'merge_data',
          key: 'k',
          outputs: {},
          facts: {},
          warnings: [],
          healed: [],
          cached: false,
        };
      },
    });
    await withRun({ batch: 1, until: 'merge_data' }, activities, (handle) => handle.result());
    expect(tries).toBe(30); // minutes of backoff, skipped
  });

  it('fails with the stage’s own sentence and type, and ends the MLflow run as FAILED', async () => {
    const { calls, activities } = standIns({
      evaluate: () => {
        throw ApplicationFailure.nonRetryable('model.json is damaged', 'DamagedArtifact');
      },
    });
    const failed = withRun({ batch: 1 }, activities, (handle) => handle.result());
    await expect(failed).rejects.toMatchObject({
      cause: {
        type: 'DamagedArtifact',
        message: 'model.json is damaged',
        details: [{ stage: 'evaluate' }],
      },
    });
    expect(calls.at(-1)).toMatchObject({ name: 'close_runs', request: { status: 'FAILED' } });
  });

  it('runs from the top once more when an object is damaged, naming it, but not for ever', async () => {
    const part = { path: 'part', md5: 'd', sha256: '', size: 1 };
    const damaged = (): never => {
      throw ApplicationFailure.create({
        message: 'part is damaged',
        type: 'DamagedArtifact',
        nonRetryable: true,
        details: [{ ref: part }],
      });
    };
    let whole = false;
    const { calls, activities } = standIns({
      preprocess: () => (whole ? standInResult('preprocess') : ((whole = true), damaged())),
    });
    const summary = await withRun({ batch: 1 }, activities, (handle) => handle.result());
    expect(names(calls)).toEqual([...CHAIN.slice(0, 4), ...CHAIN]);
    expect(calls[4]!.request).toMatchObject({ damaged: ['d'] });
    expect(summary.healed).toEqual([{ path: 'part', md5: 'd' }]);
    const hopeless = standIns({ preprocess: damaged });
    const failed = withRun({ batch: 1 }, hopeless.activities, (handle) => handle.result());
    await expect(failed).rejects.toMatchObject({ cause: { type: 'DamagedArtifact' } });
    expect(names(hopeless.calls)).toEqual([...CHAIN.slice(0, 4), ...CHAIN.slice(0, 4)]);
  });

  it('a stage before training that fails leaves MLflow alone', async () => {
    const { calls, activities } = standIns({
      prepare_batch: () => {
        throw ApplicationFailure.nonRetryable('no such batch', 'MissingHistory');
      },
    });
    const failed = withRun({ batch: 9 }, activities, (handle) => handle.result());
    await expect(failed).rejects.toMatchObject({ cause: { type: 'MissingHistory' } });
    expect(names(calls)).toEqual(['get_data', 'prepare_batch']);
  });

  it('cancelled while training ends the MLflow run as KILLED', async () => {
    let begun = (): void => undefined;
    const training = new Promise<void>((resolve) => (begun = resolve));
    const { calls, activities } = standIns({
      train: async () => {
        begun();
        const { cancelled: stopped } = Context.current();
        await stopped.catch(() => undefined);
        throw ApplicationFailure.retryable('broken off'); // what it fails of then is no matter
      },
    });
    const cancelled = withRun({ batch: 1 }, activities, async (handle) => {
      await training;
      await handle.cancel();
      return handle.result();
    });
    await expect(cancelled).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(calls.at(-1)).toMatchObject({ name: 'close_runs', request: { status: 'KILLED' } });
  });

  it('tries the webhook six times, and does not fail when it never accepts', async () => {
    const endings: unknown[] = [];
    const { activities } = standIns({
      notify: (ending: never) => {
        endings.push(ending);
        throw ApplicationFailure.retryable('the webhook does not answer', 'WebhookUnavailable');
      },
    });
    const { pin_run } = activities;
    const heard = {
      ...activities,
      pin_run: async (input: unknown) => ({ ...(await pin_run(input)), notify: true }),
    };
    const summary = await withRun({ batch: 2 }, heard, (handle) => handle.result());
    expect(summary.version).toMatchObject({ version: 2 });
    expect(endings).toEqual(Array.from({ length: 6 }, () => endings[0]));
    expect(endings[0]).toMatchObject({
      event: 'completed',
      outcome: 'trained',
      pipeline: 'p',
      batch: 2,
    });
  });

  it('answers what a twin would differ in, and how far it is', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const { activities } = standIns({
      get_data: () => held.then(() => standInResult('get_data')),
    });
    await withRun({ batch: 1, until: 'get_data' }, activities, async (handle) => {
      const ask = (input: TrainBatchInput) => handle.executeUpdate(joinRun, { args: [input] });
      expect(await ask({ batch: 1, until: 'get_data' })).toEqual([]);
      expect(
        await ask({ batch: 1, until: 'get_data', params: { model: { max_depth: 3 } } }),
      ).toEqual([{ key: 'model.max_depth', running: 5, asked: 3 }]);
      const summary = await handle.query(progress);
      expect(summary!.stages).toEqual([{ stage: 'get_data', state: 'running' }]);
      release();
      await handle.result();
    });
  });
});
