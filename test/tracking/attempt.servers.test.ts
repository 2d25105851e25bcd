import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  findAttempt,
  openAttempt,
  deleteOtherRuns,
  updateAttempt,
} from '../../tracking/tracked-run/attempt.ts';
import type { AttemptOf, TrackingDeps } from '../../tracking/tracked-run/attempt.ts';
import type { Execution } from '../../contract/execution.ts';
import { makeExecution } from './made-execution.ts';
import { openStore, type Store } from '../../store/index.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { unique } from '../support/project.ts';

/** One MLflow run per training attempt, on the real servers, whichever worker comes, dies or wakes late. */

const id = unique('attempts');
let store: Store;
let tracker: Tracker;
let of: AttemptOf;
let number = 0;

beforeAll(() => {
  store = openStore({
    endpoint: process.env['AWS_ENDPOINT_URL_S3'],
    region: 'us-east-1',
    bucket: id,
  });
  tracker = createMlflowTracker({ uri: process.env['MLFLOW_TRACKING_URI']! });
});
afterAll(() => store.bucket.close());
beforeEach(() => {
  of = { pipeline: 'p', batch: 1, attempt: `${id}-${number++}` };
});

const deps = (over: Partial<TrackingDeps> = {}): TrackingDeps => ({
  store,
  tracker,
  experimentName: id,
  ...over,
});

const shown = { name: 'iris-v3', tags: {} };

/** An execution of one activity of one workflow run; `attempt` counts its tries. */
function execution(run: string, attempt = 1): Execution {
  const activity = `w/${run}/5`;
  const token = `${activity}/${attempt}`;
  return { ...makeExecution(activity), runId: run, token, isRetry: attempt > 1 };
}

/** A tracker whose methods can be replaced one by one. */
function trackerWith(over: Partial<Tracker>): Tracker {
  return { ...tracker, ...over };
}

async function runsOf(attempt: string): Promise<string[]> {
  const experiment = await tracker.ensureExperiment(id);
  const runs = await tracker.findRuns(experiment, { 'retrain.attempt': attempt });
  return runs.map(({ runId }) => runId);
}

describe('an attempt', () => {
  it('has one run, whichever worker opens it and however often', async () => {
    const first = await openAttempt(deps(), of, execution('a'), shown);
    const again = await openAttempt(deps(), of, execution('a', 2), shown);
    const other = await openAttempt(deps(), of, execution('b'), shown);
    expect([again.run_id, other.run_id]).toEqual([first.run_id, first.run_id]);
    expect(await runsOf(of.attempt)).toEqual([first.run_id]);
  });

  it('has one run when five open it at once', async () => {
    const opened = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((run) => openAttempt(deps(), of, execution(run), shown)),
    );
    expect(new Set(opened.map(({ run_id }) => run_id)).size).toBe(1);
    expect(await runsOf(of.attempt)).toEqual([opened[0]!.run_id]);
  });

  it('keeps the run of a try that died before it could enter it', async () => {
    const dying = trackerWith({
      createRun: async (run) => {
        await tracker.createRun(run);
        throw new Error('killed between create and enter');
      },
    });
    await expect(openAttempt(deps({ tracker: dying }), of, execution('a'), shown)).rejects.toThrow(
      'killed',
    );
    const [orphan] = await runsOf(of.attempt);
    const next = await openAttempt(deps(), of, execution('a', 2), shown);
    expect(next.run_id).toBe(orphan);
    expect(await runsOf(of.attempt)).toEqual([orphan]);
  });

  it('leaves one run when a zombie wakes after its successor has made another', async () => {
    let wake = (): void => undefined;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    let reached = (): void => undefined;
    const atCreate = new Promise<void>((resolve) => (reached = resolve));
    const sleepy = trackerWith({
      createRun: async (run) => {
        reached();
        await asleep;
        return tracker.createRun(run);
      },
    });
    const zombie = openAttempt(deps({ tracker: sleepy }), of, execution('a'), shown);
    await atCreate;
    const successor = await openAttempt(deps(), of, execution('a', 2), shown);
    wake();
    expect((await zombie).run_id).toBe(successor.run_id);
    expect(await runsOf(of.attempt)).toEqual([successor.run_id]);
  });

  it('is swept of what a zombie that died just after create left', async () => {
    const open = await openAttempt(deps(), of, execution('a'), shown);
    const { experiment_id: experimentId } = open;
    const left = {
      experimentId,
      name: 'left',
      startedAt: 1,
      tags: { 'retrain.attempt': of.attempt },
    };
    await tracker.createRun(left);
    await deleteOtherRuns(deps(), open);
    expect(await runsOf(of.attempt)).toEqual([open.run_id]);
  });

  it('keeps what was logged when several workers log at once', async () => {
    const open = await openAttempt(deps(), of, execution('a'), shown);
    await Promise.all([
      updateAttempt(deps(), open, { model_version: '3', logged: { train: 'k1' } }),
      updateAttempt(deps(), open, { logged: { evaluate: 'k2' } }),
    ]);
    const found = await findAttempt(deps(), of);
    expect(found).toMatchObject({ model_version: '3', logged: { train: 'k1', evaluate: 'k2' } });
  });

  it('is opened again on another tracking server, and its run there is found again', async () => {
    const here = await openAttempt(deps(), of, execution('a'), shown);
    await updateAttempt(deps(), here, { logged: { train: 'k' } });
    // The same server under another name: as when it has moved with its data.
    const uri = 'http://moved.example';
    const moved = { ...tracker, uri, place: () => uri };
    expect(await findAttempt(deps({ tracker: moved }), of)).toBeUndefined();
    const there = await openAttempt(deps({ tracker: moved }), of, execution('b'), shown);
    expect(there).toMatchObject({ run_id: here.run_id, tracking_uri: moved.uri, logged: {} });
    expect(await runsOf(of.attempt)).toEqual([here.run_id]);
  });
});
