import { describe, expect, it } from 'vitest';
import { buildResult, formatMetrics } from '../../client/result.ts';
import type { Session } from '../../client/session.ts';
import { chooseLocalPath } from '../../client/watcher.ts';
import type { Ref } from '../../contract/ref.ts';
import type { RunSummary } from '../../contract/train-batch.ts';
import { storeIn, type Store } from '../../store/index.ts';
import { entryKey, type CacheEntry } from '../../store/stage-cache.ts';
import { draftRecord, makeEntry, stageOf } from '../store/made-records.ts';
import { editDocument } from '../support/edit-document.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

/** The result of run `r` as a client that has this store reads it. */
async function buildIn(store: Store, parts: Partial<RunSummary>) {
  const summary: RunSummary = {
    pipeline: 'p',
    batch: 1,
    params: {} as RunSummary['params'],
    paramsHash: '',
    stages: [],
    warnings: [],
    healed: [],
    version: null,
    mlflow: null,
    ...parts,
  };
  const config = { temporalUi: 'http://localhost:8233' };
  const session = { store, config, namespace: 'default', tracker: { uri: 'file:///x' } };
  return buildResult(session as unknown as Session, { workflowId: 'w', runId: 'r' }, summary);
}

describe('the metrics file that a run leaves beside params.yaml', () => {
  it('is at the path of the stage graph, for other pipelines in a folder of their own', () => {
    const config = { defaultPipeline: 'iris' };
    expect(chooseLocalPath(config, { pipeline: 'iris', batch: 2 })).toBe('metrics/batch_2.json');
    expect(chooseLocalPath(config, { pipeline: 'wine', batch: 2 })).toBe(
      'metrics/wine/batch_2.json',
    );
  });

  it('is no path that a document in the store names', async () => {
    const store = storeIn(new MemoryBucket());
    const metrics = await store.artifacts.put('metrics/batch_2.json', Buffer.from('{"n":1}'), {});
    const entry = makeEntry('evaluate', 2, { metrics });
    await store.cache.enter(entry, { replace: false });
    const key = entryKey('evaluate', entry.key);
    await editDocument<CacheEntry>(store.bucket, key, ({ outputs }) => {
      outputs['metrics']!.path = 'package.json';
    });
    const built = await buildIn(store, {
      pipeline: '../../outside',
      batch: 2,
      stages: [{ stage: 'evaluate', state: 'done', key: entry.key }],
    });
    expect(Buffer.from(built.metricsFile!).toString()).toBe('{"n":1}');
  });
});

it('the confusion matrix of the metrics file is a separate field', async () => {
  const store = storeIn(new MemoryBucket());
  const file = Buffer.from('{"accuracy":1,"confusion_matrix":{"labels":["a"],"matrix":[[1]]}}');
  const metrics = await store.artifacts.put('metrics/batch_1.json', file, {});
  const entry = makeEntry('evaluate', 1, { metrics });
  await store.cache.enter(entry, { replace: false });
  const { document } = await buildIn(store, {
    stages: [{ stage: 'evaluate', state: 'done', key: entry.key }],
  });
  expect(document.metrics).toEqual({ accuracy: 1 });
  expect(document.confusionMatrix).toEqual({ labels: ['a'], matrix: [[1]] });
});

describe('the reasons of a run', () => {
  const ofChampion = (version: number | null): CacheEntry => {
    const champion = version === null ? null : { version, seq: 1, type: 'decision_tree' };
    return makeEntry('gate', 1, {}, { params: { champion } });
  };

  /** The reasons why gate ran in run `r`, whose build is the `seq`-th. */
  async function findReasons(builds: { by: string; entry: CacheEntry }[], entry: CacheEntry) {
    const store = storeIn(new MemoryBucket());
    for (const [i, { by, entry: gate }] of builds.entries())
      await store.records.publish(
        draftRecord({
          build: String(i),
          stages: [stageOf(gate)],
          workflow: { workflow_id: 'w', run_id: by },
        }),
      );
    await store.cache.enter(entry, { replace: false });
    const record: Ref = { path: 'versions/p/1/1.json', md5: '', sha256: '', size: 0 };
    const { document } = await buildIn(store, {
      stages: [{ stage: 'gate', state: 'done', key: entry.key }],
      version: { record, version: 1, seq: builds.length, metrics: {} },
    });
    return document.stages[0]!.because;
  }

  it('that made no new build are what differs from the build that it found', async () => {
    const found = { by: 'another run', entry: ofChampion(null) };
    expect(await findReasons([found], ofChampion(1))).toEqual([
      { kind: 'champion', name: 'champion', old: null, new: '1.1' },
    ]);
  });

  it('that made a build are what differs from the build before', async () => {
    const before = { by: 'another run', entry: ofChampion(1) };
    const own = { by: 'r', entry: ofChampion(2) };
    expect(await findReasons([before, own], ofChampion(2))).toEqual([
      { kind: 'champion', name: 'champion', old: '1.1', new: '2.1' },
    ]);
    expect(await findReasons([own], ofChampion(2))).toEqual([{ kind: 'new' }]);
  });
});

it('rows are counted in whole numbers, also where there is one, or none; scores are shares', () => {
  const shares = { accuracy: 1, test_rows: 3 };
  const lines = formatMetrics({ ...shares, new_batch: { accuracy: 0, test_rows: 1 } }).split('\n');
  const cells = (name: string): string[] =>
    lines
      .map((line) => line.trim().split(/\s{2,}/))
      .find(([first]) => first === name)!
      .slice(1);
  expect(cells('accuracy')).toEqual(['1.0000', '0.0000']);
  expect(cells('test_rows')).toEqual(['3', '1']);
  const none = formatMetrics({ test_rows: 0, new_batch: { test_rows: 1 } });
  expect(none).toMatch(/test_rows +0 +1$/m);
});

it('errors in a small or a large unit are shown by their digits', () => {
  const text = formatMetrics({
    rmse: 0.000_412,
    rmse_low: 0.000_3,
    rmse_high: 0.000_5,
    mae: 31_234_567.8,
    test_rows: 9,
  });
  expect(text).toMatch(/rmse +0\.00041200 +0\.00030000 to 0\.00050000/);
  expect(text).toMatch(/mae +3\.1235e\+7/);
  expect(text).not.toContain('accuracy');
});
