import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BadParams, MissingHistory, StorageUnavailable } from '../../contract/failures.ts';
import { FollowedModel } from '../../serving/followed-model.ts';
import { type Store, storeIn } from '../../store/index.ts';
import { findStage } from '../../contract/stages.ts';
import { objectKey } from '../../store/hash.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { makeChampion } from '../support/promotions.ts';
import { publishModel } from './stored-model.ts';

let store: Store;
let bucket: MemoryBucket;
let isAway: boolean;
let reads: string[];
/** The key that the store does not answer for. */
let broken: string | undefined;

afterEach(() => vi.useRealTimers());

beforeEach(async () => {
  isAway = false;
  reads = [];
  broken = undefined;
  bucket = new MemoryBucket(undefined, {
    around: ({ key }, act) => {
      reads.push(key);
      if (isAway || key === broken) throw new StorageUnavailable('the store does not answer');
      return act();
    },
  });
  await bucket.ensure();
  store = storeIn(bucket);
  await publishModel(store, 1);
});

const shown = ({ current, problem, switches }: FollowedModel) => ({
  answers: `${current.version}.${current.seq}`,
  problem,
  switches,
});

it('a newer version replaces the model, and the old one still answers requests that have it', async () => {
  const followed = await FollowedModel.open(store, 'made', 'latest');
  const before = followed.current;
  await followed.check();
  expect(followed.current).toBe(before);
  await publishModel(store, 2);
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '2.1', problem: undefined, switches: 1 });
  const row = { size: 9, weight: 1, color: 'red', day: '2024-01-01' };
  expect(before.predict([row])).toEqual(followed.current.predict([row]));
});

it('another build of a version replaces the model that was asked for by that version alone', async () => {
  const followed = await FollowedModel.open(store, 'made', 1);
  const pinned = await FollowedModel.open(store, 'made', '1.1');
  await publishModel(store, 1, { labels: ['a', 'b'] });
  await publishModel(store, 2);
  await Promise.all([followed.check(), pinned.check()]);
  expect([shown(followed).answers, shown(pinned).answers]).toEqual(['1.2', '1.1']);
});

it('the champion answers, and the next one once it is promoted', async () => {
  await expect(FollowedModel.open(store, 'made', 'champion')).rejects.toThrow(
    'made has no champion yet',
  );
  const promote = (version: number): Promise<void> =>
    makeChampion(store, 'made', { version, seq: 1 });
  await promote(1);
  const followed = await FollowedModel.open(store, 'made', 'champion');
  await publishModel(store, 2);
  await followed.check();
  expect(shown(followed).answers).toBe('1.1');
  await promote(2);
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '2.1', problem: undefined, switches: 1 });
});

it('the champion that answers is one build, also where another of its version is published, and after a rollback', async () => {
  await makeChampion(store, 'made', { version: 1, seq: 1 });
  await publishModel(store, 1, { labels: ['a', 'b'] });
  const followed = await FollowedModel.open(store, 'made', 'champion');
  expect(shown(followed).answers).toBe('1.1');
  await makeChampion(store, 'made', { version: 1, seq: 2 });
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '1.2', problem: undefined, switches: 1 });
  await publishModel(store, 2);
  await makeChampion(store, 'made', { version: 2, seq: 1 });
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '2.1', problem: undefined, switches: 2 });
  await store.champions.rollBack('made', {
    id: 'back',
    by: 'ann',
    reason: 'errors',
    at: '2026-01-02T00:00:00.000Z',
    version: undefined,
    check: async () => undefined,
    hashInputs: async ({ version, seq }) => `inputs of ${version}.${seq}`,
  });
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '1.2', problem: undefined, switches: 3 });
});

it('a newer version that does not load leaves the old one in use, and is fetched again after a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const followed = await FollowedModel.open(store, 'made', 'latest');
  const { stages } = await publishModel(store, 2);
  const key = objectKey(findStage(stages, 'preprocess')!.outputs['encoder']!.md5);
  const kept = bucket.server.objects!.get(key)!;
  bucket.server.objects!.delete(key);
  await followed.check();
  expect(shown(followed)).toMatchObject({ answers: '1.1', switches: 0 });
  const problem = /^version 2\.1 was not loaded, and version 1\.1 still answers: /;
  expect(followed.problem).toMatch(problem);
  bucket.server.objects!.set(key, kept);
  isAway = true;
  await followed.check();
  isAway = false;
  reads = [];
  await followed.check();
  expect(followed.problem).toMatch(problem);
  expect(reads.filter((read) => read.startsWith('files/'))).toEqual([]);
  vi.advanceTimersByTime(60_000);
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '2.1', problem: undefined, switches: 1 });
});

it('a version published over one that does not load is loaded at the next check', async () => {
  const followed = await FollowedModel.open(store, 'made', 'latest');
  const { stages } = await publishModel(store, 2, { labels: ['a', 'b'] });
  bucket.server.objects!.delete(objectKey(findStage(stages, 'train')!.outputs['model']!.md5));
  await followed.check();
  await publishModel(store, 2, { labels: ['c', 'd'] });
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '2.2', problem: undefined, switches: 1 });
});

it('a store that fails while a version is loaded is no fault of that version', async () => {
  const followed = await FollowedModel.open(store, 'made', 'latest');
  const { stages } = await publishModel(store, 2, { labels: ['a', 'b'] });
  broken = objectKey(findStage(stages, 'train')!.outputs['model']!.md5);
  await followed.check();
  expect(followed.problem).toMatch(/^version 2\.1 was not loaded/);
  broken = undefined;
  await followed.check();
  expect(shown(followed)).toEqual({ answers: '2.1', problem: undefined, switches: 1 });
});

it('a build that was asked for is never looked for again', async () => {
  const followed = await FollowedModel.open(store, 'made', '1.1');
  reads = [];
  await followed.follow(1, new AbortController().signal, () => undefined);
  await followed.check();
  expect(reads).toEqual([]);
});

it('a model that is not needed may be loaded by a later check', async () => {
  const followed = await FollowedModel.openOptional(store, 'made', '2.1');
  expect(followed.current).toBeUndefined();
  expect(followed.problem).toMatch(/^no model was found: version 2 of made has/);
  await publishModel(store, 2);
  await followed.follow(1, new AbortController().signal, () => undefined);
  expect([followed.current?.version, followed.problem, followed.switches]).toEqual([
    2,
    undefined,
    0,
  ]);
  await expect(FollowedModel.openOptional(store, 'made', 'newest')).rejects.toThrow(BadParams);
});

it('a store that is away leaves the model in use, and ends no check', async () => {
  const followed = await FollowedModel.open(store, 'made', 'latest');
  const { checkedAt } = followed;
  isAway = true;
  await followed.check();
  expect(shown(followed)).toEqual({
    answers: '1.1',
    problem: 'the bucket was not read, and version 1.1 still answers: the store does not answer',
    switches: 0,
  });
  expect(followed.checkedAt).toBe(checkedAt);
  isAway = false;
  await followed.check();
  expect(followed.problem).toBeUndefined();
});

it('checks follow each other until the signal, and each change is reported once', async () => {
  const followed = await FollowedModel.open(store, 'made', 'latest');
  const ended = new AbortController();
  const changes: string[] = [];
  await publishModel(store, 2);
  await followed.follow(1, ended.signal, () => {
    changes.push(followed.problem ?? shown(followed).answers);
    if (changes.length === 2) ended.abort();
    isAway = true;
  });
  expect(changes).toEqual(['2.1', expect.stringContaining('the bucket was not read')]);
});

it('a pipeline without versions has no model to follow', async () => {
  await expect(FollowedModel.open(store, 'other', 'latest')).rejects.toThrow(MissingHistory);
});
