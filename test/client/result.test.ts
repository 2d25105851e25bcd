import { describe, expect, it } from 'vitest';
import { buildResult, formatMetrics } from '../../client/result.ts';
import type { Session } from '../../client/session.ts';
import { chooseLocalPath } from '../../client/watcher.ts';
import type { RunSummary } from '../../contract/train-batch.ts';
import { storeIn } from '../../store/index.ts';
import { entryKey, type CacheEntry } from '../../store/stage-cache.ts';
import { makeEntry } from '../store/made-records.ts';
import { editDocument } from '../support/edit-document.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

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
    const summary: RunSummary = {
      pipeline: '../../outside',
      batch: 2,
      params: {} as RunSummary['params'],
      paramsHash: '',
      stages: [{ stage: 'evaluate', state: 'done', key: entry.key }],
      warnings: [],
      healed: [],
      version: null,
      mlflow: null,
    };
    const config = { temporalUi: 'http://localhost:8233' };
    const session = { store, config, namespace: 'default', tracker: { uri: 'file:///x' } };
    const run = { workflowId: 'w', runId: 'r' };
    const built = await buildResult(session as unknown as Session, run, summary);
    expect(Buffer.from(built.metricsFile!).toString()).toBe('{"n":1}');
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
