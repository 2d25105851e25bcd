import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Attempts } from '../../store/attempts.ts';
import { Records } from '../../store/records.ts';
import { createFilesTracker } from '../../tracking/files/tracker.ts';
import { findAttempt, openAttempt, type OpenAttempt } from '../../tracking/tracked-run/attempt.ts';
import { describeInTracker } from '../../tracking/tracked-run/describe-version.ts';
import type { LoggingDeps } from '../../tracking/tracked-run/log-training.ts';
import { logVersions, openPipelineRun } from '../../tracking/tracked-run/pipeline-run.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import type { Store } from '../../store/index.ts';
import { draftRecord } from '../store/made-records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeExecution } from './made-execution.ts';

let folder: string;
let tracker: Tracker;
let records: Records;
let deps: LoggingDeps & { store: Pick<Store, 'records'> };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pipeline run '));
  tracker = createFilesTracker({ path: folder });
  const bucket = new MemoryBucket();
  records = new Records(bucket);
  const store = { records, attempts: new Attempts(bucket) } as unknown as Store;
  deps = {
    store,
    tracker,
    experimentName: 'e',
    modelName: 'iris',
    scratch: folder,
    gitCommit: undefined,
    temporal: { webUi: 'http://localhost:8233/', namespace: 'my space' },
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function publish(version: number, build: string, accuracy: number) {
  const { record } = await records.publish(
    draftRecord({
      pipeline: 'iris',
      version,
      build,
      metrics: { accuracy, accuracy_low: accuracy - 0.1, accuracy_high: 1, test_rows: 9 },
      created_at: new Date(Date.UTC(2026, 0, version, 0, 0, build.length)).toISOString(),
    }),
  );
  return record;
}

/** The lines of a metric's file: its points. */
function pointsOf({ experiment_id, run_id }: OpenAttempt, metric: string): string[] {
  const file = join(folder, experiment_id, run_id, 'metrics', metric);
  return readFileSync(file, 'utf8').trim().split('\n');
}

function tagOf(experimentId: string, runId: string, tag: string): string {
  return readFileSync(join(folder, experimentId, runId, 'tags', tag), 'utf8');
}

/** Logs the versions that are published now. */
async function logAll(activity: string): Promise<OpenAttempt> {
  const lines = await records.list('iris');
  return logVersions(deps, { pipeline: 'iris', lines }, makeExecution(activity));
}

const runs = async () => tracker.findRuns(await tracker.ensureExperiment('e'), {});

describe('the run of a pipeline', () => {
  it('is one, also when several batches open it at once', async () => {
    const opened = await Promise.all(
      ['a', 'b', 'c'].map((activity) => openPipelineRun(deps, 'iris', makeExecution(activity))),
    );
    expect(new Set(opened.map(({ run_id }) => run_id)).size).toBe(1);
    expect(await runs()).toMatchObject([{ name: 'iris', status: 'FINISHED' }]);
  });

  it('is another for another pipeline of the same experiment', async () => {
    await openPipelineRun(deps, 'iris', makeExecution('a'));
    await openPipelineRun(deps, 'wine', makeExecution('b'));
    expect((await runs()).map(({ name }) => name).sort()).toEqual(['iris', 'wine']);
  });

  it('has one point a version for each score, however often and in whichever order they are logged', async () => {
    await publish(2, 'b', 0.8);
    await logAll('a');
    await publish(1, 'a', 0.7);
    await publish(3, 'c', 0.9);
    await Promise.all(['b', 'c'].map(logAll));
    const run = await logAll('d');
    const points = pointsOf(run, 'accuracy').map((line) => line.split(' '));
    expect(Object.fromEntries(points.map(([, value, step]) => [step, value]))).toEqual({
      1: '0.7',
      2: '0.8',
      3: '0.9',
    });
    expect(points).toHaveLength(3);
    const metrics = readdirSync(join(folder, run.experiment_id, run.run_id, 'metrics'));
    expect(metrics.sort()).toEqual(['accuracy', 'test_rows', 'train_rows']);
  });

  it('gets a point of a second build', async () => {
    await publish(1, 'a', 0.7);
    await logAll('a');
    await publish(1, 'second', 0.75);
    const run = await logAll('b');
    expect(pointsOf(run, 'accuracy').map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      '0.7 1',
      '0.75 1',
    ]);
  });

  it('is made again with every version after a person has deleted it', async () => {
    await publish(1, 'a', 0.7);
    const first = await logAll('a');
    await tracker.deleteRun(first.run_id);
    await publish(2, 'b', 0.8);
    const again = await logAll('b');
    expect(again.run_id).not.toBe(first.run_id);
    expect(pointsOf(again, 'accuracy')).toHaveLength(2);
  });
});

describe('a published version in the tracker', () => {
  it('has its name, its scores and links', async () => {
    await publish(1, 'a', 0.7);
    await publish(2, 'b', 0.9);
    const record = await publish(2, 'second', 0.8);
    const of = { pipeline: 'iris', batch: 2, attempt: 'x' };
    const shown = { name: 'iris-v2', tags: {} };
    const attempt = await openAttempt(deps, of, makeExecution('a'), shown);
    await describeInTracker(deps, attempt, record, {
      execution: makeExecution('a'),
      isTrial: false,
    });
    await describeInTracker(deps, attempt, record, {
      execution: makeExecution('b'),
      isTrial: false,
    });

    const { experiment_id: experiment, run_id: runId } = attempt;
    const names = (await runs()).map(({ name }) => name).sort();
    expect(names).toEqual(['iris', 'iris-v2.2']);
    expect(tagOf(experiment, runId, 'mlflow.runName')).toBe('iris-v2.2');
    const parent = (await runs()).find(({ name }) => name === 'iris')!;
    expect(tagOf(experiment, runId, 'mlflow.parentRunId')).toBe(parent.runId);
    const note = tagOf(experiment, runId, 'mlflow.note.content').replaceAll('\u00a0', ' ');
    expect(note).toContain('**iris version 2**, build 2, trained on batches 1 to 2.');
    expect(note).toContain('|  accuracy  |  0.8000  |  0.7000 to 1.0000  |');
    expect(note).toContain(
      '[run in Temporal](http://localhost:8233/namespaces/my%20space/workflows/w/r/history)',
    );
    expect(note).toContain('npx retrain report 2.2 --pipeline iris --open');
  });

  it('of a trial says so, and that it is published once it is', async () => {
    await publish(1, 'a', 0.7);
    const draft = draftRecord({
      pipeline: 'iris',
      build: 'other',
      metrics: { accuracy: 0.6, test_rows: 9 },
      trial: { 'model.max_depth': 1 },
    });
    const { record } = await records.recordTrial(draft);
    const of = { pipeline: 'iris', batch: 1, attempt: 'x' };
    const shown = { name: 'iris-v1-trial', tags: {} };
    const attempt = await openAttempt(deps, of, makeExecution('a'), shown);
    const describeAs = async (isTrial: boolean, open: OpenAttempt): Promise<string> => {
      await describeInTracker(deps, open, record, { execution: makeExecution('a'), isTrial });
      return tagOf(open.experiment_id, open.run_id, 'mlflow.note.content');
    };
    expect(await describeAs(true, attempt)).toMatch(
      /^A trial of \*\*iris version 1\*\*, build 2, with model\.max\\_depth=1, which is not published, trained/,
    );
    const names = async () => (await runs()).map(({ name }) => name).sort();
    expect(await names()).toEqual(['iris', 'iris-v1-trial.2']);
    await records.publishAgain(record);
    const again = await findAttempt(deps, of);
    expect(await describeAs(false, again!)).toMatch(/^\*\*iris version 1\*\*, build 2, trained/);
    expect(await names()).toEqual(['iris', 'iris-v1.2']);
  });
});
