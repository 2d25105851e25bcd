import { beforeEach, describe, expect, it } from 'vitest';
import { sha256 as hashOfBytes } from '../../store/hash.ts';
import { storeIn, type Store } from '../../store/index.ts';
import {
  entryFaults,
  isSoundEntry,
  readSoundRecord,
  outputOf,
  readParams,
  recordFaults,
} from '../../store/record-check.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import type { CacheEntry } from '../../store/stage-cache.ts';
import { withPath } from '../../contract/ref.ts';
import { buildRecord, file } from '../client/records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

const { record } = buildRecord(2);
const stage = record.stages.at(-1)!;
/** The cache entry of that stage. */
const { cached: _, ...fields } = stage;
const entry = { ...fields, schema: 1, batch: 2 } as CacheEntry;

const changed = (more: Partial<VersionRecord>): VersionRecord => ({ ...record, ...more });
const withStage = (more: object): VersionRecord =>
  changed({ stages: [...record.stages.slice(0, -1), { ...stage, ...more }] });

describe('a record', () => {
  it('as it was written has no fault', () => {
    expect(recordFaults(record, 'iris', 2)).toEqual([]);
  });

  it('names the outputs of each of its stages', () => {
    const outputs = record.stages.flatMap((one) =>
      Object.entries(one.outputs).map(([output, ref]) => ({ stage: one.stage, output, ref })),
    );
    expect(new Set(outputs.map((one) => one.ref.path)).size).toBeGreaterThan(3);
    for (const { stage: name, output, ref } of outputs)
      expect(outputOf(record, name, output)).toEqual(ref);
  });

  it('without an output or a stage that every record has is refused as damaged', () => {
    const kept = record.stages.filter((one) => one.stage !== 'train');
    for (const stages of [
      [],
      [...kept, { ...record.stages.find((one) => one.stage === 'train')!, outputs: {} }],
    ])
      expect(() => outputOf(changed({ stages }), 'train', 'model')).toThrow(
        'has been changed by hand or damaged (it names no model of train)',
      );
  });

  it('with params that no run can have is refused as damaged', () => {
    const params = { ...record.params, model: { max_depth: 'deep' } };
    expect(() => readParams(changed({ params }))).toThrow(
      'has been changed by hand or damaged (its params: model.max_depth is "deep"',
    );
    expect(readParams(record).data.delimiter).toBe(',');
  });

  it('under the key of another version or pipeline says so', () => {
    const other = 'it says it is of version 2 of iris';
    expect(recordFaults(record, 'iris', 3)).toContain(other);
    expect(recordFaults(record, 'q', 2)).toEqual([other]);
  });

  it('with other params than its hash has says so', () => {
    expect(recordFaults(changed({ params: { model: {} } }), 'iris', 2)).toEqual([
      'its params do not match its params_hash',
    ]);
  });

  it('with a stage that its key is no hash of says so', () => {
    const fault = "its evaluate does not match the hash in the stage's key";
    for (const more of [
      { code: 99 },
      { params: { x: 1 } },
      { libraries: { x: '1' } },
      { inputs: {} },
    ])
      expect(recordFaults(withStage(more), 'iris', 2)).toEqual([fault]);
  });

  it('with an output at a path that is not its own says so', () => {
    const outputs = { metrics: file('metrics/batch_3.json') };
    expect(recordFaults(withStage({ outputs }), 'iris', 2)).toEqual([
      'it names "metrics/batch_3.json", which is no path of metrics of evaluate',
    ]);
  });
});

describe('a record beside the stage cache', () => {
  it('agrees with the entry of a stage, whatever its paths are', () => {
    expect(isSoundEntry(entry)).toBe(true);
    expect(entryFaults(stage, entry)).toEqual([]);
    const outputs = { metrics: withPath('elsewhere', stage.outputs['metrics']!) };
    expect(entryFaults({ ...stage, outputs }, entry)).toEqual([]);
  });

  it('differs in its outputs or its inputs', () => {
    const outputs = { metrics: file('other') };
    expect(entryFaults({ ...stage, outputs }, entry)).toEqual([
      'its outputs of evaluate differ from those in the stage cache',
    ]);
    expect(entryFaults({ ...stage, inputs: { model: file('other') } }, entry)).toEqual([
      'its inputs of evaluate differ from those in the stage cache',
    ]);
  });

  it('is not at fault where the entry is damaged, or of another key', () => {
    const outputs = { metrics: file('other') };
    expect(isSoundEntry({ ...entry, code: 99 })).toBe(false);
    expect(entryFaults({ ...stage, outputs }, { ...entry, code: 99 })).toEqual([]);
    expect(entryFaults({ ...stage, outputs, key: 'k' }, entry)).toEqual([]);
  });
});

describe('the latest record of a version', () => {
  let store: Store;
  beforeEach(async () => {
    store = storeIn(new MemoryBucket());
    const { schema: __, seq: ___, ...draft } = record;
    await store.records.publish(draft);
  });

  it('is returned where it agrees with itself and the cache, or the cache has nothing', async () => {
    expect(await readSoundRecord(store, 'iris', 2)).toEqual({ ...record, seq: 1 });
    await store.cache.enter(entry, { replace: true });
    expect(await readSoundRecord(store, 'iris', 2)).toEqual({ ...record, seq: 1 });
  });

  it('is refused where the cache has other outputs of a stage', async () => {
    await store.cache.enter({ ...entry, outputs: { metrics: file('other') } }, { replace: true });
    await expect(readSoundRecord(store, 'iris', 2)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      message: expect.stringMatching(/version 2 of iris.*its outputs of evaluate differ/),
    });
  });

  it('is refused once gc has removed its artifacts, with the day and the command', async () => {
    await store.records.markCollected(
      { pipeline: 'iris', version: 2, seq: 1 },
      '2026-03-04T05:06:07Z',
    );
    await expect(readSoundRecord(store, 'iris', 2)).rejects.toMatchObject({
      name: 'MissingHistory',
      message: expect.stringMatching(/gc on 2026-03-04;.*"npx retrain run 2 --pipeline iris"/),
    });
  });

  it('does not need the entries of the cache to be whole', async () => {
    const { bucket } = store;
    const key = `cache/evaluate/${stage.key.slice(0, 2)}/${stage.key}.json`;
    const bytes = Buffer.from('not JSON');
    await bucket.put(key, bytes, { sha256: hashOfBytes(bytes) });
    expect(await readSoundRecord(store, 'iris', 2)).toMatchObject({ version: 2 });
    const get = bucket.get.bind(bucket);
    bucket.get = (asked) =>
      asked === key ? Promise.reject(new Error('the store does not answer')) : get(asked);
    await expect(readSoundRecord(store, 'iris', 2)).rejects.toThrow('does not answer');
  });
});
