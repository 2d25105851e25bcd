import { describe, expect, it } from 'vitest';
import { describeLostChampion, findModel, readChampion } from '../../store/champion-call.ts';
import { storeIn } from '../../store/index.ts';
import { latestKey, recordKey, type VersionRecord } from '../../store/version-record.ts';
import { buildRecord, file } from '../client/records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { editDocument } from '../support/edit-document.ts';

const { schema: _, seq: __, ...draft } = buildRecord(2).record;
const [model, encoder, rows] = [file('model'), file('encoder'), file('rows')];
const train: VersionRecord['stages'][number] = {
  ...draft.stages.find(({ stage }) => stage === 'train')!,
  inputs: { train: rows, encoder: file('the encoder of preprocess') },
  outputs: { model, encoder },
};
const champion = { version: 2, seq: 1 };
/** What the gate asks about version 3. */
const asked = { pipeline: 'iris', batch: 3, champion };
const PROMOTE =
  'then make it the champion with "npx retrain promote 2 --reason REASON --pipeline iris" if the gate has not done so';
const REBUILD = `build version 2 again with "npx retrain run 2 --pipeline iris", ${PROMOTE}`;
const REPAIR = 'make them again with "npx retrain verify 2 --repair --pipeline iris"';
const REPUBLISH = 'publish build 2.1 again with "npx retrain publish 2 --trial 1 --pipeline iris"';
const LOST_RECORD = `the record of the champion, version 2.1, is missing or damaged: restore it from a backup, or build version 2 again with "npx retrain run 2 --force --pipeline iris", ${PROMOTE}; then run this batch again`;

/** A store that holds the record of the champion. */
async function holding(parts: Partial<VersionRecord> = {}) {
  const bucket = new MemoryBucket();
  const store = storeIn(bucket);
  await store.records.publish({ ...draft, stages: [train], ...parts });
  return { bucket, store, call: () => readChampion(store, asked) };
}

describe('the champion that gate compares with', () => {
  it('comes with its model, its encoder and the rows that it was trained on', async () => {
    const { call } = await holding({ params: { data: {}, model: { type: 'ml_cart' } } });
    expect(await call()).toEqual({
      inputs: { championModel: model, championEncoder: encoder, championTrain: rows },
      detail: { champion: { ...champion, type: 'ml_cart' } },
    });
  });

  it('is none where none is chosen, and nothing is read then', async () => {
    const { records } = storeIn(
      new MemoryBucket(undefined, { around: () => Promise.reject(new Error('a request')) }),
    );
    expect(await readChampion({ records }, { ...asked, champion: null })).toEqual({
      inputs: {},
      detail: { champion: null },
    });
  });

  it.each<[string, (bucket: MemoryBucket) => Promise<unknown>]>([
    ['is gone', (bucket) => bucket.delete(recordKey('iris', 2, 1))],
    [
      'has been changed',
      (bucket) =>
        editDocument<VersionRecord>(bucket, recordKey('iris', 2, 1), (stored) => {
          stored.forced = true;
        }),
    ],
    [
      'and pointer are gone',
      async (bucket) => {
        await bucket.delete(recordKey('iris', 2, 1));
        await bucket.delete(latestKey('iris', 2));
      },
    ],
  ])('cannot be scored where its record %s, and says what helps', async (_name, damage) => {
    const { bucket, call } = await holding();
    await damage(bucket);
    expect(await call()).toEqual({
      inputs: {},
      detail: { champion: { ...champion, type: 'decision_tree' }, unusable: LOST_RECORD },
    });
  });

  it('is not known to be lost where the store does not answer', async () => {
    const bucket = new MemoryBucket(undefined, {
      around: () => Promise.reject(new Error('no answer')),
    });
    await expect(readChampion(storeIn(bucket), asked)).rejects.toThrow('no answer');
  });
});

describe('a champion whose artifacts are lost', () => {
  const describeLost = (
    { records }: { records: Parameters<typeof describeLostChampion>[0] },
    challenger = 3,
  ): Promise<string> => describeLostChampion(records, { pipeline: 'iris', champion, challenger });
  const found = 'the artifacts of the champion, version 2.1, are missing or damaged';

  it('is made again by a repair where it is the published build of its version', async () => {
    const { store } = await holding();
    expect(await describeLost(store)).toBe(`${found}: ${REPAIR}; then run this batch again`);
  });

  it('is published before a repair where the run may publish another build of its version', async () => {
    const { store } = await holding();
    expect(await describeLost(store, 2)).toBe(
      `${found}: ${REPUBLISH}, then ${REPAIR}; then run this batch again`,
    );
  });

  it('is published before a repair where another build of its version is published', async () => {
    const { store } = await holding();
    await store.records.publish({ ...draft, stages: [train], build: 'another' });
    expect(await describeLost(store)).toBe(
      `${found}: ${REPUBLISH}, then ${REPAIR}; then run this batch again`,
    );
  });

  it('is not made again by a repair where gc removed them', async () => {
    const { store } = await holding();
    await store.records.markCollected({ pipeline: 'iris', ...champion }, '2026-05-01T10:00:00Z');
    expect(await describeLost(store)).toBe(`${found}: ${REBUILD}; then run this batch again`);
  });

  it('has no advice where the store does not answer', async () => {
    const records = {
      collectedAt: () => Promise.resolve(undefined),
      read: () => Promise.resolve(undefined),
      readLatest: () => Promise.reject(new Error('no answer')),
    };
    await expect(describeLost({ records })).rejects.toThrow('no answer');
  });
});

describe('the model of a record', () => {
  it.each<[string, Partial<typeof train>]>([
    ['without its model', { outputs: { encoder } }],
    ['without its encoder', { outputs: { model } }],
    ['without its rows', { inputs: { encoder } }],
  ])('is not found %s', (_name, parts) => {
    expect(findModel({ stages: [{ ...train, ...parts }] })).toBeUndefined();
  });

  it('is not found in a record without a training', () => {
    expect(findModel({ stages: [] })).toBeUndefined();
  });
});
