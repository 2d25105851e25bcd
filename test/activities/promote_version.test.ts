import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, expect, it } from 'vitest';
import { changeChampion } from '../../activities/change_champion.ts';
import { notePromotion } from '../../activities/note_promotion.ts';
import { promoteVersion } from '../../activities/promote_version.ts';
import { readGate } from '../../contract/defaults.ts';
import { TrackingUnavailable } from '../../contract/failures.ts';
import type { PromoteAnswer } from '../../contract/promotion.ts';
import { latestKey } from '../../store/version-record.ts';
import { objectKey } from '../../store/hash.ts';
import { storeIn, type Store } from '../../store/index.ts';
import type { Tracker } from '../../tracking/tracker.ts';
import { draftRecord, makeEntry, stageOf } from '../store/made-records.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeChampion, makeDecision } from '../support/promotions.ts';

const decision = makeDecision();

let store: Store;
/** Whether the registry of models does not answer. */
let isAway = false;

beforeEach(async () => {
  store = storeIn(new MemoryBucket());
  isAway = false;
  await store.records.publish(draftRecord({ build: 'first' }));
});

/** A server on which no version is logged yet. */
const tracker = {
  uri: 'http://mlflow',
  place: () => 'http://mlflow',
  withSignal: () => {
    if (isAway) throw new TrackingUnavailable('the registry does not answer');
    return tracker;
  },
} as unknown as Tracker;

function run<T>(work: () => Promise<T>): Promise<T> {
  const logger = new DefaultLogger('ERROR', () => undefined);
  return new MockActivityEnvironment({}, { logger }).run(work);
}

const deps = () => ({ store, tracker, experimentName: 'e' });

function promote(waits = false): Promise<PromoteAnswer> {
  const proposal = { pipeline: 'p', version: 1, seq: 1, decision, gate: readGate({}) };
  const request = { pipeline: 'p', id: 'once', proposal, by: 'gate', reason: 'r', waits };
  return run(() => promoteVersion(deps(), request));
}

/** Deletes an object, or changes its bytes so that a HEAD shows no difference. */
async function spoil(key: string, how: 'missing' | 'damaged'): Promise<void> {
  if (how === 'missing') {
    await store.bucket.delete(key);
    return;
  }
  const kept = (store.bucket as MemoryBucket).server.objects!.get(key)!;
  kept.bytes = Buffer.from(kept.bytes.map((byte) => byte ^ 1));
}

it('a second attempt finishes the promotion of the first, also if a rebuild was published since', async () => {
  isAway = true;
  await expect(promote()).rejects.toThrow('the registry does not answer');
  await store.records.publish(draftRecord({ build: 'second' }));
  isAway = false;
  expect(await promote()).toMatchObject({
    answer: 'entered',
    event: { action: 'promoted', version: 1, seq: 1 },
    alias: 'later',
  });
  expect((await store.champions.read('p'))!.events).toHaveLength(1);
});

it('a build that waits for a person is not promoted before the person approves it', async () => {
  expect(await promote(true)).toEqual({ answer: 'clear' });
  expect(await store.champions.read('p')).toMatchObject({ champion: null, events: [] });
  expect(await promote()).toMatchObject({ event: { action: 'promoted', version: 1, seq: 1 } });
});

it('a build that a rebuild has replaced before is held', async () => {
  await store.records.publish(draftRecord({ build: 'second' }));
  expect(await promote()).toMatchObject({
    event: {
      action: 'held',
      by: 'gate',
      reason: 'build 1.1 is no longer the published build of version 1: that is build 1.2',
    },
    alias: 'none',
  });
});

it('a person changes the champion before anything is asked of tracking', async () => {
  const change = { pipeline: 'p', id: 'c', action: 'promoted', version: 1 } as const;
  const request = { ...change, by: 'ann', reason: 'it is the best' };
  isAway = true;
  await expect(run(() => changeChampion(deps(), request))).rejects.toThrow('does not answer');
  isAway = false;
  const entered = await run(() => changeChampion(deps(), request));
  expect(entered).toMatchObject({ event: { number: 1, by: 'ann' }, alias: 'later' });
});

it.each([
  ['model', 'missing'],
  ['encoder', 'missing'],
  ['model', 'damaged'],
  ['encoder', 'damaged'],
] as const)('a person cannot make a build the champion whose %s is %s', async (lost, how) => {
  store = storeIn(new MemoryBucket());
  const outputs = {
    model: await store.artifacts.put('models/batch_1/model.json', Buffer.from('{}')),
    encoder: await store.artifacts.put('models/batch_1/encoder.json', Buffer.from('[]')),
  };
  for (const version of [1, 2]) {
    const stages = [stageOf(makeEntry('train', version, outputs))];
    await store.records.publish(draftRecord({ build: 'first', version, stages }));
  }
  const by = { pipeline: 'p', by: 'ann', reason: 'it is the best' };
  for (const version of [1, 2])
    await run(() =>
      changeChampion(deps(), { ...by, id: `${version}`, action: 'promoted', version }),
    );
  await spoil(objectKey(outputs[lost].md5), how);
  const before = await store.champions.read('p');
  const sentence = `build 1.1 of p cannot be the champion, because models/batch_1/${lost}.json is missing or damaged in the bucket: make it again with "npx retrain verify 1 --repair --pipeline p"`;
  for (const change of [{ action: 'rolled_back' }, { action: 'promoted', version: 1 }] as const)
    await expect(
      run(() => changeChampion(deps(), { ...by, ...change, id: change.action })),
    ).rejects.toThrow(sentence);
  expect(await store.champions.read('p')).toEqual(before);
});

it('a build whose model was damaged while its approval was awaited is held, and the reason says what helps', async () => {
  store = storeIn(new MemoryBucket());
  const model = await store.artifacts.put('models/batch_1/model.json', Buffer.from('{}'));
  const stages = [stageOf(makeEntry('train', 1, { model }))];
  await store.records.publish(draftRecord({ build: 'first', stages }));
  await spoil(objectKey(model.md5), 'damaged');
  expect(await promote()).toMatchObject({
    event: {
      action: 'held',
      reason:
        'models/batch_1/model.json of build 1.1 is missing or damaged in the bucket: make it again with "npx retrain verify 1 --repair --pipeline p", then promote it with "npx retrain promote 1 --reason REASON --pipeline p"',
    },
  });
  expect((await store.champions.read('p'))!.champion).toBeNull();
});

const rebuild =
  'build version 1 again with "npx retrain run 1 --pipeline p", then make it the champion with "npx retrain promote 1 --reason REASON --pipeline p" if the gate has not done so';

it('a rollback to a lost build that is not the published one does not advise a repair', async () => {
  store = storeIn(new MemoryBucket());
  const model = await store.artifacts.put('models/batch_1/model.json', Buffer.from('{}'));
  const stages = [stageOf(makeEntry('train', 1, { model }))];
  await store.records.publish(draftRecord({ build: 'first', stages }));
  await store.records.publish(draftRecord({ build: 'first', version: 2 }));
  for (const version of [1, 2]) await makeChampion(store, 'p', { version, seq: 1 });
  await store.records.publish(draftRecord({ build: 'second' }));
  await store.bucket.delete(objectKey(model.md5));
  const change = { pipeline: 'p', id: 'back', by: 'ann', reason: 'errors' } as const;
  await expect(
    run(() => changeChampion(deps(), { ...change, action: 'rolled_back' })),
  ).rejects.toThrow(
    `build 1.1 of p cannot be the champion, because models/batch_1/model.json is missing or damaged in the bucket: restore it from a backup, or ${rebuild.replace('run 1', 'run 1 --force')}`,
  );
});

it('a person cannot make a build the champion that gc removed, and sees what helps', async () => {
  await store.records.publish(draftRecord({ build: 'first', version: 2 }));
  for (const version of [1, 2]) await makeChampion(store, 'p', { version, seq: 1 });
  const build = { pipeline: 'p', version: 1, seq: 1 };
  await store.records.markCollected(build, '2026-05-01T10:00:00.000Z');
  const by = { pipeline: 'p', by: 'ann', reason: 'it is the best' };
  for (const change of [{ action: 'rolled_back' }, { action: 'promoted', version: 1 }] as const)
    await expect(
      run(() => changeChampion(deps(), { ...by, ...change, id: change.action })),
    ).rejects.toThrow(
      `build 1.1 of p cannot be the champion, because gc removed its artifacts on 2026-05-01: ${rebuild}`,
    );
  expect((await store.champions.read('p'))!.champion).toEqual({ version: 2, seq: 1 });
});

it('a rollback to an earlier champion needs no other build of its version', async () => {
  await store.records.publish(draftRecord({ build: 'first', version: 2 }));
  for (const version of [1, 2]) await makeChampion(store, 'p', { version, seq: 1 });
  await store.records.publish(draftRecord({ build: 'second', version: 1 }));
  await store.bucket.delete(latestKey('p', 1));
  const by = { pipeline: 'p', by: 'ann', reason: 'errors' };
  const back = { ...by, id: 'back', action: 'rolled_back', version: 1 } as const;
  const { event } = await run(() => changeChampion(deps(), back));
  expect(event).toMatchObject({ version: 1, seq: 1 });
});

it('a change of the champion by a person who has seen another champion is refused', async () => {
  await makeChampion(store, 'p', { version: 1, seq: 1 });
  await store.records.publish(draftRecord({ build: 'first', version: 2 }));
  const by = { pipeline: 'p', id: 'late', by: 'ann', reason: 'it is better', version: 2 };
  const change = { ...by, action: 'promoted', seen: null } as const;
  await expect(run(() => changeChampion(deps(), change))).rejects.toMatchObject({
    name: 'Conflict',
    message: expect.stringContaining('had no champion when you decided, and has 1.1 now, by ann'),
  });
  expect((await store.champions.read('p'))!.champion).toEqual({ version: 1, seq: 1 });
  await run(() => changeChampion(deps(), { ...change, seen: { version: 1, seq: 1 } }));
  expect((await store.champions.read('p'))!.champion).toEqual({ version: 2, seq: 1 });
});

it('a rollback to a version that does not exist says so, and does not advise to promote it', async () => {
  const request = { pipeline: 'p', id: 'back', by: 'ann', reason: 'errors', version: 99 };
  await expect(
    run(() => changeChampion(deps(), { ...request, action: 'rolled_back' })),
  ).rejects.toThrow('version 99 of p has not been built');
});

it('a build that a person rejects bars others of its inputs, also where its record is gone', async () => {
  const note = { pipeline: 'p', by: 'ann', reason: 'it is worse', decision } as const;
  for (const version of [1, 7])
    await notePromotion(
      { store },
      { ...note, id: `${version}`, action: 'rejected', build: { version, seq: 1 } },
    );
  await store.records.publish(draftRecord({ build: 'second' }));
  const proposal = { pipeline: 'p', version: 1, seq: 2, decision, gate: readGate({}) };
  const request = { pipeline: 'p', id: 'again', proposal, by: 'gate', reason: 'r', waits: true };
  expect(await run(() => promoteVersion(deps(), request))).toMatchObject({
    event: {
      action: 'held',
      reason:
        'build 1.1, which was trained on the same data with the same params, was rejected: only a person can promote it',
    },
  });
  expect((await store.champions.read('p'))!.barred).toHaveLength(1);
});
