import { beforeEach, describe, expect, it, vi } from 'vitest';
import { findUnrepairable } from '../../../../client/commands/verify/repair.ts';
import { printVerified } from '../../../../client/commands/verify/verify.ts';
import { verifyVersions } from '../../../../client/commands/verify/versions.ts';
import type { Ref } from '../../../../contract/ref.ts';
import { championsKey } from '../../../../store/champions.ts';
import { objectKey } from '../../../../store/hash.ts';
import { storeIn, type Store } from '../../../../store/index.ts';
import { recordKey } from '../../../../store/version-record.ts';
import { makeChampion } from '../../../support/promotions.ts';
import { draftRecord, makeEntry, stageOf } from '../../../store/made-records.ts';
import { MemoryBucket } from '../../../support/memory-bucket.ts';

const FIRST = { version: 1, seq: 1 };
const REBUILD =
  'build version 1 again with "npx retrain run 1 --pipeline p", then make it the champion with "npx retrain promote 1 --reason REASON --pipeline p" if the gate has not done so';
const NEEDED = 'only the champion, build 1.1, needs it';
const ONLY = `${NEEDED}: publish build 1.1 again with "npx retrain publish 1 --trial 1 --pipeline p", then make it again with "npx retrain verify 1 --repair --pipeline p"`;
const LOST = `${NEEDED}: restore it from a backup, or ${REBUILD.replace('run 1', 'run 1 --force')}`;

let store: Store;
let model: Ref;
let encoder: Ref;

beforeEach(async () => {
  store = storeIn(new MemoryBucket());
  model = await store.artifacts.put('models/batch_1/model.json', Buffer.from('{"first":1}'));
  encoder = await store.artifacts.put('models/batch_1/encoder.json', Buffer.from('[]'));
  await publish('first', { model, encoder });
  await makeChampion(store, 'p', FIRST);
});

/** Publishes a build of version 1 that has these artifacts. */
async function publish(build: string, outputs: Record<string, Ref>): Promise<void> {
  const stages = [stageOf(makeEntry('train', 1, outputs))];
  await store.records.publish(draftRecord({ build, stages }));
}

/** Publishes another build of the version of the champion, with another model and the same encoder. */
async function publishAnother(): Promise<void> {
  const other = await store.artifacts.put('models/batch_1/model.json', Buffer.from('{"other":1}'));
  await publish('second', { model: other, encoder });
}

async function findLeft(): Promise<{ key: string; why: string }[]> {
  const { problems } = await verifyVersions(store, { pipeline: 'p', version: undefined });
  const left = await findUnrepairable(store, 'p', problems);
  return left.map(({ key, why }) => ({ key, why }));
}

describe('no run repairs', () => {
  it('the model of a champion that is not the published build of its version', async () => {
    await publishAnother();
    expect(await findLeft()).toEqual([]);
    const key = objectKey(model.md5);
    await store.bucket.delete(key);
    expect(await findLeft()).toEqual([{ key, why: ONLY }]);
  });

  it('the record of such a champion', async () => {
    await publishAnother();
    const key = recordKey('p', 1, 1);
    await store.bucket.delete(key);
    expect(await findLeft()).toEqual([{ key, why: LOST }]);
  });

  it('what such a champion shares with the published build, where gc removed that build', async () => {
    await publishAnother();
    const other = { pipeline: 'p', version: 1, seq: 2 };
    await store.records.markCollected(other, '2026-05-01T10:00:00.000Z');
    const key = objectKey(encoder.md5);
    await store.bucket.delete(key);
    expect(await findLeft()).toEqual([{ key, why: ONLY }]);
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const verified = await verifyVersions(store, { pipeline: 'p', version: 1 });
    printVerified(verified, await findUnrepairable(store, 'p', verified.problems));
    vi.restoreAllMocks();
    const text = said.mock.calls.flat().join('');
    expect(text).toContain('"npx retrain run N --pipeline p" builds version N again');
    expect(text).toContain(`encoder.json cannot be repaired by a run: ${ONLY}`);
    // The ledger is missing too.
    expect(text).toContain('version 1 of p: 2 missing or damaged; ');
    expect(out.mock.calls.flat().join('')).toMatch(/^missing +ledger .*\n?.*encoder\.json/m);
  });

  it('a champion that gc removed', async () => {
    await publishAnother();
    await store.records.markCollected({ pipeline: 'p', ...FIRST }, '2026-05-01T10:00:00.000Z');
    expect(await findLeft()).toEqual([
      {
        key: championsKey('p'),
        why: `gc removed the artifacts of the champion, build 1.1: ${REBUILD}`,
      },
    ]);
  });
});

describe('a run repairs', () => {
  it('the model of a champion that is the published build', async () => {
    await store.bucket.delete(objectKey(model.md5));
    expect(await findLeft()).toEqual([]);
  });

  it('the encoder of a champion that the published build has too', async () => {
    await publishAnother();
    await store.bucket.delete(objectKey(encoder.md5));
    expect(await findLeft()).toEqual([]);
  });

  it('the model of a champion that another version has too', async () => {
    await publishAnother();
    const stages = [stageOf(makeEntry('train', 2, { model, encoder }))];
    await store.records.publish(draftRecord({ build: 'same', version: 2, stages }));
    await store.bucket.delete(objectKey(model.md5));
    expect(await findLeft()).toEqual([]);
  });
});
