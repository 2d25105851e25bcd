import { describe, expect, it } from 'vitest';
import { compareBuilds, type DiffDocument } from '../../../client/commands/diff/document.ts';
import { formatDiff } from '../../../client/commands/diff/print.ts';
import { canonicalJson } from '../../../contract/canonical-json.ts';
import { storeIn } from '../../../store/index.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { buildRecord } from '../records.ts';

const leaf = { distribution: [[1, 0]], kind: 'classifier' };
const split = { splitColumn: 0, splitValue: 1, gain: 1, left: leaf, right: leaf };
const tree = {
  name: 'DTClassifier',
  options: { kind: 'classifier' },
  root: { ...split, kind: 'classifier' },
};
const encoder = {
  schema: 1,
  target: 'y',
  missing: 'impute',
  classes: ['p', 'q'],
  features: [{ name: 'constructor', type: 'number', median: 1 }],
};

describe('the differences between two versions', () => {
  const stored = storeIn(new MemoryBucket());
  const { artifacts } = stored;

  /** A record of a version whose model is stored. */
  async function store(version: number, model: object, params: object): Promise<VersionRecord> {
    const { record } = buildRecord(version);
    const put = (path: string, content: object) =>
      artifacts.put(path, Buffer.from(canonicalJson(content)));
    const outputs = {
      model: await put(`models/batch_${version}/model.json`, model),
      encoder: await put(`models/batch_${version}/encoder.json`, encoder),
    };
    const stages = record.stages.map((stage) =>
      stage.stage === 'train' ? { ...stage, outputs } : stage,
    );
    return { ...record, stages, params: { model: params } };
  }

  it('name no type of model where a record does not name the default one', async () => {
    const old = await store(1, tree, { max_depth: 5 });
    const now = await store(2, tree, { max_depth: 5, type: 'decision_tree' });
    expect((await compareBuilds(stored, old, now)).params).toEqual({});
    const other = await store(3, { ...tree, root: leaf }, { type: 'baseline' });
    expect((await compareBuilds(stored, old, other)).params).toEqual({
      'model.max_depth': { old: 5, new: null },
      'model.type': { old: 'decision_tree', new: 'baseline' },
    });
  });

  it('need the artifacts of both, and where gc has removed some, say how they are made again', async () => {
    const bucket = storeIn(new MemoryBucket());
    const [old, now] = [buildRecord(1).record, buildRecord(3).record];
    await bucket.records.markCollected(old, '2026-11-29T00:00:00.000Z');
    await expect(compareBuilds(bucket, old, now)).rejects.toThrow(
      'version 1 of iris was not kept by gc on 2026-11-29; its record stays: build it again with "npx retrain run 1 --pipeline iris"',
    );
  });

  it('show the importance of a feature that one model does not have, under any name', async () => {
    const old = await store(1, { ...tree, root: leaf }, { type: 'baseline' });
    const now = await store(2, tree, { max_depth: 5 });
    const { importance } = await compareBuilds(stored, old, now);
    expect(importance).toEqual({ constructor: { old: null, new: expect.any(Number) } });
  });
});

describe('the tables of a comparison', () => {
  const document: DiffDocument = {
    pipeline: 'iris',
    old: { version: 1, build: 1, createdAt: '', testRows: 14 },
    new: { version: 2, build: 1, createdAt: '', testRows: 14 },
    rows: { test: { old: 22, new: 14, diff: -8 } },
    batches: [],
    params: {},
    metrics: { accuracy: { old: 0.75, new: 0.5, diff: -0.25 } },
    sameRows: {
      rows: 14,
      of: '2.1',
      leftOut: 0,
      scores: {
        accuracy: {
          old: 0.25,
          new: 0.5,
          diff: 0.25,
          verdict: 'within noise',
          oldInterval: [0.08, 0.55],
          newInterval: [0.25, 0.75],
        },
      },
    },
    artifacts: [],
    model: {},
    importance: {},
  };

  const path = { path: 'data/processed/test/', md5: '0'.repeat(32), sha256: '', size: 1 };
  const artifacts = [{ stage: 'preprocess', name: 'test', old: null, new: path }];

  it('judge only scores on the same rows, and say which scores are not', () => {
    expect(
      formatDiff({ ...document, artifacts })
        .split('\n')
        .slice(0, 8),
    ).toEqual([
      'rows  1.1  2.1  change',
      'test   22   14      −8',
      '',
      'metric, each on its own test rows     1.1     2.1   change',
      'accuracy                           0.7500  0.5000  −0.2500',
      '',
      'on the 14 test rows of 2.1     1.1       95 %     2.1       95 %  change',
      'accuracy                    0.2500  0.08–0.55  0.5000  0.25–0.75  +0.2500 within noise',
    ]);
  });

  it('do not call rows the same where a model leaves some of them out', () => {
    for (const testRows of [13, 15]) {
      const text = formatDiff({ ...document, old: { ...document.old, testRows } });
      expect(text).toContain('metric, each on its own test rows');
      expect(text).toContain('on the 14 test rows of 2.1');
    }
    expect(formatDiff({ ...document, sameRows: null })).toContain('each on its own test rows');
  });

  it('say which rows are left out, because the other model was trained on them', () => {
    const sameRows = { ...document.sameRows!, leftOut: 3 };
    const text = formatDiff({ ...document, artifacts, sameRows });
    expect(text).toContain('on 14 test rows of 2.1 that 1.1 was not trained on');
  });

  it('show scores once where both builds have the same test rows', () => {
    expect(formatDiff({ ...document, rows: {} })).toBe(
      'metric, on the same 14 test rows     1.1     2.1  change\naccuracy                          0.7500  0.5000  −0.2500 within noise',
    );
  });
});
