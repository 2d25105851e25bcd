import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { TrackingRefused } from '../../contract/failures.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import type { Dataset } from '../../tracking/tracker.ts';
import { relayTo } from './relay.ts';
import { ask, fresh, historyOf, type Pair, runOf, small, twice, uri } from './server.ts';

/** The contract of tracking/tracker.ts, kept by a real server; every method is called twice. */

const tracker = createMlflowTracker({ uri });

let experimentId = '';
const newRun = (tags: Record<string, string> = {}) =>
  tracker.createRun({ experimentId, name: 'batch-3', startedAt: 1_000, tags });

beforeAll(async () => {
  experimentId = await tracker.ensureExperiment(fresh('contract'));
});

describe('check', () => {
  it('is content with a server that accepts us', async () => {
    await expect(tracker.check()).resolves.toBeUndefined();
  });

  it('says --allowed-hosts to a host name the server does not know, which /health hides', async () => {
    const relay = await relayTo(uri, { host: 'mlflow.example:5000' });
    try {
      expect((await fetch(`${relay.uri}/health`)).status).toBe(200);
      const check = createMlflowTracker({ uri: relay.uri }).check();
      await expect(check).rejects.toThrow(TrackingRefused);
      await expect(check).rejects.toThrow(/start it with --allowed-hosts/);
    } finally {
      relay.close();
    }
  });
});

describe('experiments', () => {
  it('are created once, also by many at once', async () => {
    const name = fresh("it's a race");
    const ids = await Promise.all([1, 2, 3, 4].map(() => tracker.ensureExperiment(name)));
    expect(new Set(ids).size).toBe(1);
    expect(await tracker.ensureExperiment(name)).toBe(ids[0]);
  });

  it('that were deleted are not restored in silence', async () => {
    const name = fresh('deleted');
    const id = await tracker.ensureExperiment(name);
    await ask('POST', 'experiments/delete', { experiment_id: id });
    const again = tracker.ensureExperiment(name);
    await expect(again).rejects.toThrow(TrackingRefused);
    await expect(again).rejects.toThrow(`mlflow experiments restore --experiment-id ${id}`);
  });

  it('that do not exist are refused', async () => {
    const run = { experimentId: '999999', name: 'x', startedAt: 0, tags: {} };
    const created = tracker.createRun(run);
    await expect(created).rejects.toThrow(TrackingRefused);
    await expect(created).rejects.toThrow(/RESOURCE_DOES_NOT_EXIST/);
  });
});

describe('runs', () => {
  it('are found by all their tags, oldest first, without deleted ones', async () => {
    const attempt = fresh('attempt');
    const late = await tracker.createRun({
      experimentId,
      name: 'late',
      startedAt: 2_000,
      tags: { attempt, batch: '1' },
    });
    const early = await newRun({ attempt, batch: '1' });
    await newRun({ attempt, batch: '2' });
    const gone = await newRun({ attempt, batch: '1' });
    await twice(() => tracker.deleteRun(gone));

    const found = await tracker.findRuns(experimentId, { attempt, batch: '1' });
    expect(found.map((run) => run.runId)).toEqual([early, late]);
    expect(found[0]).toMatchObject({ name: 'batch-3', status: 'RUNNING', startedAt: 1_000 });
    expect(found[0]?.tags).toMatchObject({ attempt, batch: '1' });
    expect(await tracker.findRuns(experimentId, { attempt: fresh('none') })).toEqual([]);
  });

  it.each([
    ["it's"],
    ['say "hi"'],
    [`it's "both"`],
    ['100 %_like'],
    ['back\\slash'],
    ['back`tick'],
    ['käse 🧀'],
    ["' OR tags.batch = '1"],
  ])('are found by a tag that is %s', async (value) => {
    const key = `odd.${value}`.replace(/[^\w.\-/ ]/g, '');
    const unique = fresh(value);
    const runId = await newRun({ [key]: unique });
    const found = await tracker.findRuns(experimentId, { [key]: unique });
    expect(found.map((run) => run.runId)).toEqual([runId]);
  });

  it('that are gone are deleted already', async () => {
    const nowhere = randomUUID().replaceAll('-', '');
    await expect(tracker.deleteRun(nowhere)).resolves.toBeUndefined();
  });

  it('finish, and finish again', async () => {
    const runId = await newRun();
    await twice(() => tracker.finishRun(runId, 'FINISHED', 5_000));
    const { info } = await runOf(runId);
    expect(info).toMatchObject({ status: 'FINISHED', end_time: 5_000 });
  });
});

describe('what a run carries', () => {
  it('params stay one, and never change', async () => {
    const runId = await newRun();
    const params = { max_depth: 5, missing: 'impute', seed: null, flag: true, 'odd<name': '' };
    await twice(() => tracker.logParams(runId, params));
    const { data } = await runOf(runId);
    expect(Object.fromEntries((data.params ?? []).map(({ key, value }) => [key, value]))).toEqual({
      max_depth: '5',
      missing: 'impute',
      seed: 'null',
      flag: 'true',
      odd_name: '',
    });
    const changed = tracker.logParams(runId, { max_depth: 6 });
    await expect(changed).rejects.toThrow(TrackingRefused);
    await expect(changed).rejects.toThrow(/Changing param values is not allowed/);
  });

  it('params may be many and long', async () => {
    const runId = await newRun();
    const params = Object.fromEntries(
      Array.from({ length: 250 }, (_, index) => [`p${index}`, 'x'.repeat(7_000)]),
    );
    await twice(() => tracker.logParams(runId, params));
    expect((await runOf(runId)).data.params?.length).toBe(250);
  });

  it('metrics logged again add no point', async () => {
    const runId = await newRun();
    const metrics = { accuracy: 0.9, 'recall/<=50K': 1, loss: NaN, worst: -Infinity };
    await twice(() => tracker.logMetrics(runId, metrics, { step: 3, timestamp: 1_000 }));
    expect(await historyOf(runId, 'accuracy')).toEqual([
      expect.objectContaining({ key: 'accuracy', value: 0.9, timestamp: 1_000, step: 3 }),
    ]);
    expect(await historyOf(runId, 'recall/__50K')).toHaveLength(1);
    expect(await historyOf(runId, 'loss')).toHaveLength(1);
    expect(await historyOf(runId, 'worst')).toHaveLength(1);
    // What would go wrong without a pinned time:
    await tracker.logMetrics(runId, { accuracy: 0.9 }, { step: 3, timestamp: 1_001 });
    expect(await historyOf(runId, 'accuracy')).toHaveLength(2);
  });

  it('tags are set to the last value', async () => {
    const runId = await newRun({ state: 'old' });
    await twice(() => tracker.setTags(runId, { state: 'new', 'mlflow.note.content': '# Note' }));
    const { data } = await runOf(runId);
    expect(data.tags.filter(({ key }) => key === 'state')).toEqual([
      { key: 'state', value: 'new' },
    ]);
  });

  it('inputs are listed once', async () => {
    const datasets: Dataset[] = [
      {
        name: 'iris',
        digest: '0123456789abcdef0123456789abcdef',
        sourceType: 's3',
        source: JSON.stringify({ uri: 's3://bucket/files/md5/01/23' }),
        schema: JSON.stringify({ mlflow_colspec: [{ type: 'double', name: 'a' }] }),
        profile: JSON.stringify({ num_rows: 120 }),
        context: 'training',
      },
      {
        name: 'iris',
        digest: 'fedcba9876543210fedcba9876543210',
        sourceType: 's3',
        source: '{}',
        context: 'testing',
      },
    ];
    const runId = await newRun();
    const modelId = await tracker.logModel(runId, small);
    await twice(() => tracker.logInputs(runId, datasets, modelId));
    const { inputs } = await runOf(runId);
    const contexts = inputs?.dataset_inputs?.map(({ dataset, tags }) => [
      dataset.digest,
      tags.find(({ key }) => key === 'mlflow.data.context')?.value,
    ]);
    expect(contexts?.sort()).toEqual([
      ['0123456789abcdef0123456789abcdef', 'training'],
      ['fedcba9876543210fedcba9876543210', 'testing'],
    ]);
    expect(inputs?.model_inputs).toHaveLength(1);
  });

  it('inputs new to the experiment may be logged by many runs at once', async () => {
    const name = fresh('shared');
    const shared: Dataset = {
      name,
      digest: '1',
      sourceType: 's3',
      source: '{}',
      context: 'training',
    };
    const runs = await Promise.all([1, 2, 3, 4].map(() => newRun()));
    const log = (runId: string) => tracker.logInputs(runId, [shared]);
    const results = await Promise.allSettled(runs.map(log));
    const failures = results.flatMap((one) =>
      one.status === 'rejected' ? [one.reason as Error] : [],
    );
    expect(failures.map(({ name: kind }) => kind)).toEqual(
      failures.map(() => 'TrackingUnavailable'),
    );
    await Promise.all(runs.map(log));
    const inputs = await Promise.all(runs.map(async (runId) => (await runOf(runId)).inputs));
    expect(inputs.map((one) => one?.dataset_inputs?.length)).toEqual([1, 1, 1, 1]);
  });

  it('artifacts are stored by path, the last bytes stay', async () => {
    const runId = await newRun();
    const path = 'metrics/räport of batch+3?.html';
    await tracker.logArtifact(runId, path, Buffer.from('old'), 'text/html');
    await tracker.logArtifact(runId, path, Buffer.from('new'), 'text/html');
    const query = new URLSearchParams({ run_id: runId, path }).toString();
    const answer = await fetch(`${uri}/get-artifact?${query}`);
    expect(await answer.text()).toBe('new');
    // A tracker that has not seen the run asks where its files are.
    await createMlflowTracker({ uri }).logArtifact(runId, 'b.bin', new Uint8Array([1, 2]));
    const other = new URLSearchParams({ run_id: runId, path: 'b.bin' }).toString();
    const stored = await (await fetch(`${uri}/get-artifact?${other}`)).arrayBuffer();
    expect([...new Uint8Array(stored)]).toEqual([1, 2]);
  });

  it('scores of a model show on the model', async () => {
    const runId = await newRun();
    const modelId = await tracker.logModel(runId, small);
    const at = { step: 3, timestamp: 1_000, modelId };
    await twice(() => tracker.logMetrics(runId, { accuracy: 0.9 }, at));
    const answer = await ask('GET', `logged-models/${modelId}`);
    const { model } = answer as unknown as { model: { data: { metrics: Pair[] } } };
    expect(model.data.metrics).toEqual([
      expect.objectContaining({ key: 'accuracy', value: 0.9, run_id: runId }),
    ]);
  });
});

describe('an experiment whose files the server does not serve', () => {
  it.each([['s3://bucket/there']])('at %s is refused by name', async (root) => {
    const body = { name: fresh('elsewhere'), artifact_location: root };
    const answer = await ask('POST', 'experiments/create', body);
    const { experiment_id: elsewhere } = answer as unknown as { experiment_id: string };
    const run = { experimentId: elsewhere, name: 'x', startedAt: 0, tags: {} };
    const runId = await tracker.createRun(run);
    const logged = tracker.logArtifact(runId, 'a.txt', Buffer.from('a'));
    await expect(logged).rejects.toThrow(TrackingRefused);
    await expect(logged).rejects.toThrow(`${root}/${runId}/artifacts`);
  });
});
