import { describe, expect, it } from 'vitest';
import { compareBuilds } from '../../../client/commands/diff/document.ts';
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
  const { artifacts, ledgers, cache } = storeIn(new MemoryBucket());

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
    expect((await compareBuilds({ artifacts, ledgers, cache }, old, now)).params).toEqual({});
    const other = await store(3, { ...tree, root: leaf }, { type: 'baseline' });
    expect((await compareBuilds({ artifacts, ledgers, cache }, old, other)).params).toEqual({
      'model.max_depth': { old: 5, new: null },
      'model.type': { old: 'decision_tree', new: 'baseline' },
    });
  });

  it('show the importance of a feature that one model does not have, under any name', async () => {
    const old = await store(1, { ...tree, root: leaf }, { type: 'baseline' });
    const now = await store(2, tree, { max_depth: 5 });
    const { importance } = await compareBuilds({ artifacts, ledgers, cache }, old, now);
    expect(importance).toEqual({ constructor: { old: null, new: expect.any(Number) } });
  });
});
