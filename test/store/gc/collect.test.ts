import { describe, expect, it, vi } from 'vitest';
import type { Ref } from '../../../contract/ref.ts';
import type { Bucket } from '../../../store/bucket.ts';
import { collectGarbage } from '../../../store/gc/collect.ts';
import { manifestKey, objectKey, refOf, sha256 } from '../../../store/hash.ts';
import { planGc } from '../../../store/gc/plan.ts';
import { storeIn, type Store } from '../../../store/index.ts';
import type { CacheEntry } from '../../../store/stage-cache.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { everyOrder, failuresOf, type Client } from '../../support/interleavings.ts';
import { makeChampion } from '../../support/promotions.ts';
import { MemoryBucket, type Around, noteRequests } from '../../support/memory-bucket.ts';
import { OPENED } from '../ledger/ledger-settings.ts';
import { noteUpload } from '../../../store/unfinished-uploads.ts';
import { draftRecord, makeEntry, stageOf } from '../made-records.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../../support/interleavings.ts');
  return sleepMock;
});

/** Longer than the lock of a collection that has died is held. */
const LOCK_MS = 400_000;

const run = { pipeline: 'p', namespace: 'n', workflowId: 'p-batch-2', runId: 'run-2' };

const modelOf = ({ stages }: VersionRecord): Ref => stages.at(-1)!.outputs['model']!;

/** A stage that trains, as activities run it: a hit where the entry and its object are whole. */
async function train({ cache, artifacts }: Store, model: string): Promise<CacheEntry> {
  const params = { model };
  const { key } = makeEntry('train', 1, {}, { params });
  const found = await cache.lookUp('train', key);
  if (found !== undefined && found.missing.length === 0) return found.entry;
  const output = await artifacts.put('models/1/model.json', Buffer.from(model));
  return cache.enter(makeEntry('train', 1, { model: output }, { params }), { replace: false });
}

async function publish(store: Store, version: number, entry: CacheEntry): Promise<void> {
  const stages = [stageOf(entry)];
  await store.records.publish(draftRecord({ version, build: entry.key, stages }));
}

/** Version 1, and a model that was tried out and that no record names. */
async function before(bucket: Bucket): Promise<void> {
  const store = storeIn(bucket);
  const raw = await store.artifacts.put('data/raw/x.csv', Buffer.from('raw'));
  const entry = { ref: raw, columns: raw, rows: 9, fetched_at: '', etag: null };
  await store.ledgers.open('p', OPENED, entry);
  await publish(store, 1, await train(store, 'kept'));
  await train(store, 'tried');
  // What is younger than a collection stays.
  if (vi.isFakeTimers()) vi.setSystemTime(Date.now() + 60_000);
}

/** A run that relies on what was tried out: it is in version 2 then. */
const relying =
  (live: Set<string>): Client =>
  async (bucket) => {
    live.add(run.runId);
    const store = storeIn(bucket);
    await store.leases.take(run);
    await publish(store, 2, await train(store, 'tried'));
    live.delete(run.runId);
    await store.leases.release(run);
  };

const collecting =
  (live: Set<string>): Client =>
  (bucket) =>
    collectGarbage(
      storeIn(bucket),
      { pipeline: 'p', versions: [] },
      { isLive: async ({ run: held }) => live.has(held!.run_id) },
    );

/** All that any record consists of is there and whole. */
async function expectWhole(bucket: Bucket, versions: number[]): Promise<void> {
  const store = storeIn(bucket);
  const listed = (await store.records.list('p')).map(({ version }) => version);
  expect(listed).toEqual(expect.arrayContaining(versions));
  for (const version of listed) {
    const record = await store.records.latest('p', version);
    await store.artifacts.get(modelOf(record));
    const { stage, key } = record.stages.at(-1)!;
    expect(await store.cache.read(stage, key)).toBeDefined();
  }
  await store.artifacts.get((await store.ledgers.read('p'))!.raw[0]!.ref);
}

describe('in orders of their requests', () => {
  it('a run and a collection: no version loses anything, whichever comes first', async () => {
    const seen = { removed: 0, refused: 0 };
    for (const isRunFirst of [true, false])
      await everyOrder({
        before,
        clients: () => {
          const live = new Set<string>();
          const clients = [relying(live), collecting(live)];
          return isRunFirst ? clients : clients.toReversed();
        },
        switches: 1,
        after: async (bucket, ended) => {
          const [ran, collected] = isRunFirst ? ended : ended.toReversed();
          expect(ran).toMatchObject({ status: 'done' });
          await expectWhole(bucket, [1, 2]);
          expect(['', 'Conflict']).toContain(failuresOf([collected!]).join());
          if (collected!.status === 'failed') seen.refused++;
          else seen.removed++;
        },
      });
    expect(seen.removed).toBeGreaterThan(0);
    expect(seen.refused).toBeGreaterThan(0);
  });

  it('what a run finds once it has its lease is there until it gives it back', async () => {
    const using =
      (live: Set<string>): Client =>
      async (bucket) => {
        live.add(run.runId);
        const { leases, artifacts } = storeIn(bucket);
        await leases.take(run);
        const tried = refOf('models/1/model.json', Buffer.from('tried'));
        const [found, still] = [await artifacts.has(tried), await artifacts.has(tried)];
        live.delete(run.runId);
        await leases.release(run);
        return { found, still };
      };
    await everyOrder({
      before,
      clients: () => {
        const live = new Set<string>();
        return [using(live), collecting(live)];
      },
      switches: 2,
      after: async (_, [used, collected]) => {
        expect(failuresOf([used!])).toEqual([]);
        expect(['', 'Conflict']).toContain(failuresOf([collected!]).join());
        const { found, still } = (used as { value: { found: boolean; still: boolean } }).value;
        expect(still).toBe(found);
      },
    });
  });

  it('a collection that dies anywhere takes nothing that is needed, and the next one finishes', async () => {
    await everyOrder({
      before,
      clients: () => [collecting(new Set())],
      crashes: 1,
      after: async (bucket) => {
        await expectWhole(bucket, [1]);
        vi.setSystemTime(Date.now() + LOCK_MS);
        await collecting(new Set())(bucket);
        await expectWhole(bucket, [1]);
        const store = storeIn(bucket);
        const tried = await store.artifacts.put('models/1/model.json', Buffer.from('kept'));
        expect(await store.bucket.head(objectKey(tried.md5))).toBeDefined();
        const keys: string[] = [];
        for await (const { key } of bucket.list('cache/')) keys.push(key);
        expect(keys).toHaveLength(1);
      },
    });
  });

  it('a run that dies anywhere leaves versions whole for a collection after it', async () => {
    await everyOrder({
      before,
      clients: () => [relying(new Set())],
      crashes: 1,
      after: async (bucket, [ran]) => {
        await expect(collecting(new Set())(bucket)).resolves.toBeDefined();
        await expectWhole(bucket, ran!.status === 'done' ? [1, 2] : [1]);
      },
    });
  });
});

it('what others wrote stays, though nothing of ours leads to it, and is counted', async () => {
  const bucket = new MemoryBucket();
  await before(bucket);
  const theirs = refOf('x', Buffer.from('pushed by a DVC user'));
  const key = objectKey(theirs.md5);
  await bucket.put(key, Buffer.from('pushed by a DVC user'), { sha256: theirs.sha256 });
  await bucket.put('notes/mine.txt', Buffer.from('v'), { sha256: sha256('v') });
  const plan = await collectGarbage(
    storeIn(bucket),
    { pipeline: 'p', versions: [] },
    { isLive: async () => false },
  );
  expect(plan.foreign).toBe(1);
  // The raw data, and the model that a record names with its entry.
  expect(plan.kept).toBe(3);
  expect(plan.remove.map(({ kind }) => kind)).toEqual(['cache entries', 'models']);
  expect(await bucket.head(key)).toBeDefined();
  expect(await bucket.head('notes/mine.txt')).toBeDefined();
});

it('the champion keeps its artifacts, though its version is not kept', async () => {
  const bucket = new MemoryBucket();
  await before(bucket);
  const store = storeIn(bucket);
  for (const version of [2, 3]) await publish(store, version, await train(store, `v${version}`));
  await makeChampion(store, 'p', { version: 2, seq: 1 });
  const plan = await collectGarbage(
    store,
    { pipeline: 'p', last: 1, versions: [] },
    { isLive: async () => false },
  );
  expect(plan.give_up).toEqual([{ pipeline: 'p', version: 1, seq: 1 }]);
  for (const version of [2, 3])
    expect(
      await store.artifacts.get(modelOf(await store.records.latest('p', version))),
    ).toBeDefined();
});

it('what the gate said of a build is kept though the artifacts of the build are not', async () => {
  const bucket = new MemoryBucket();
  await before(bucket);
  const store = storeIn(bucket);
  const { artifacts, cache } = store;
  const gate = async (version: number): Promise<CacheEntry> => {
    const decision = await artifacts.put(`reports/${version}/gate.json`, Buffer.from(`${version}`));
    return cache.enter(makeEntry('gate', version, { decision }), { replace: false });
  };
  const [decided, trained] = [await gate(2), await train(store, 'v2')];
  const stages = [trained, decided].map(stageOf);
  await store.records.publish(draftRecord({ version: 2, build: 'b', stages }));
  await publish(store, 3, await train(store, 'v3'));
  const plan = await collectGarbage(
    store,
    { pipeline: 'p', last: 1, versions: [] },
    { isLive: async () => false },
  );
  expect(plan.give_up.map(({ version }) => version)).toEqual([1, 2]);
  expect(await cache.read('gate', decided.key)).toEqual(decided);
  expect(await artifacts.has(decided.outputs['decision']!)).toBe(true);
  expect(await cache.read('train', trained.key)).toBeUndefined();
  expect(await artifacts.has(trained.outputs['model']!)).toBe(false);
});

describe('a collection', () => {
  const all = { pipeline: 'p', versions: [] };
  const isLive = async (): Promise<boolean> => true;
  const nobody = { isLive: async (): Promise<boolean> => false };

  it('that finds runs names them, and holds no run back', async () => {
    const { bucket, listPuts } = noteRequests();
    const { leases } = storeIn(bucket);
    await leases.take(run);
    await expect(collectGarbage(storeIn(bucket), all, { isLive })).rejects.toMatchObject({
      message: expect.stringMatching(/^p-batch-2 is running and may rely on anything/),
      details: { runs: ['p-batch-2'] },
    });
    await leases.take({ ...run, workflowId: 'p-batch-3', runId: 'run-3' });
    await expect(collectGarbage(storeIn(bucket), all, { isLive })).rejects.toMatchObject({
      name: 'Conflict',
      message: expect.stringMatching(/^p-batch-2 is running \(and 1 more\) and may rely on/),
      details: { runs: ['p-batch-2', 'p-batch-3'] },
    });
    expect(listPuts()).not.toContain('leases/gate.json');
  });

  it('keeps what an upload holds, and goes on', async () => {
    const bucket = new MemoryBucket();
    await before(bucket);
    const { artifacts, leases } = storeIn(bucket);
    const upload = await artifacts.put('data/raw/next.csv', Buffer.from('next'));
    await leases.holdUpload('p', [upload]);
    const { remove } = await collectGarbage(storeIn(bucket), all, nobody);
    expect(remove).toHaveLength(2);
    expect(await artifacts.has(upload)).toBe(true);
    expect((await leases.list()).size).toBe(1);
  });

  it('gives a version up once, also where a directory of it cannot be read', async () => {
    const bucket = new MemoryBucket();
    await before(bucket);
    const store = storeIn(bucket);
    const [part, other] = [
      await store.artifacts.put('1.arrow', Buffer.from('part')),
      await store.artifacts.put('2.arrow', Buffer.from('other')),
    ];
    const [lost, whole] = [
      await store.artifacts.putDirectory('data/processed/train/', [other]),
      await store.artifacts.putDirectory('data/merged/', [part]),
    ];
    const outputs = { lost, whole };
    const entry = await store.cache.enter(makeEntry('merge_data', 2, outputs), { replace: false });
    await publish(store, 2, entry);
    await publish(store, 3, await train(store, 'v3'));
    await bucket.delete(manifestKey(lost.sha256));
    const keep = { pipeline: 'p', last: 1, versions: [1] };
    const plan = await collectGarbage(store, keep, nobody);
    expect(plan.give_up).toEqual([{ pipeline: 'p', version: 2, seq: 1 }]);
    const kinds = new Map(plan.remove.map(({ key, kind }) => [key, kind]));
    expect(kinds.get(objectKey(lost.md5))).toBe('splits');
    expect(kinds.get(manifestKey(whole.sha256))).toBe('merged data');
    expect(kinds.get(objectKey(part.md5))).toBe('merged data');
    expect(kinds.get(objectKey(other.md5))).toBe('other');
    expect(await store.records.collectedAt(plan.give_up[0]!)).toBeDefined();
    const again = await collectGarbage(store, keep, nobody);
    expect([again.give_up, again.remove]).toEqual([[], []]);
    // With a store that does not answer, nothing is known.
    await publish(store, 4, await train(store, 'v4'));
    const deaf = new MemoryBucket(bucket.server, {
      around: ({ verb, key }, act) => {
        if (verb === 'get' && key === manifestKey(lost.sha256)) throw new Error('no answer');
        return act();
      },
    });
    await expect(collectGarbage(storeIn(deaf), keep, nobody)).rejects.toThrow('no answer');
    expect(await store.artifacts.has(modelOf(await store.records.latest('p', 3)))).toBe(true);
  });

  it('keeps the last versions and those that are named, and all of other pipelines', async () => {
    const bucket = new MemoryBucket();
    const store = storeIn(bucket);
    for (const [pipeline, versions] of [
      ['p', [1, 2, 3, 10]],
      ['q', [1, 2, 3, 10, 11, 12]],
    ] as const)
      for (const version of versions) {
        const entry = await train(store, `${pipeline} ${version}`);
        const stages = [stageOf(entry)];
        await store.records.publish(draftRecord({ pipeline, version, build: entry.key, stages }));
      }
    const givesUp = async (keep: { last?: number; versions: number[] }): Promise<number[]> => {
      const { give_up } = await planGc(store, { pipeline: 'p', ...keep }, new Date());
      expect(give_up.every(({ pipeline }) => pipeline === 'p')).toBe(true);
      return give_up.map(({ version }) => version);
    };
    expect(await givesUp({ versions: [] })).toEqual([]);
    expect(await givesUp({ last: 2, versions: [] })).toEqual([1, 2]);
    expect(await givesUp({ last: 1, versions: [2] })).toEqual([1, 3]);
    expect(await givesUp({ versions: [1, 3] })).toEqual([2, 10]);
    expect(await givesUp({ last: 0, versions: [] })).toEqual([1, 2, 3, 10]);
  });

  it('keeps what a kept build has read, though no kept build has made it, and what is gone need not be there', async () => {
    const bucket = new MemoryBucket();
    await before(bucket);
    const store = storeIn(bucket);
    const { artifacts } = store;
    const part = await artifacts.put('1.arrow', Buffer.from('part'));
    const lone = await artifacts.put('models/0/model.json', Buffer.from('lone'));
    const there = await artifacts.putDirectory('data/merged/', [part]);
    const gone = await artifacts.putDirectory('data/processed/train/', [part, lone]);
    const inputs = { lone, there, gone };
    const model = await artifacts.put('models/2/model.json', Buffer.from('v2'));
    const entry = makeEntry('train', 2, { model }, { inputs });
    await publish(store, 2, await store.cache.enter(entry, { replace: false }));
    await bucket.delete(manifestKey(gone.sha256));
    const { kept } = await collectGarbage(storeIn(bucket), all, nobody);
    const left: string[] = [];
    for (const prefix of ['cache/', 'manifests/', 'files/'])
      for await (const { key } of bucket.list(prefix)) left.push(key);
    expect(kept).toBe(left.length);
    for (const ref of [part, lone, there]) expect(await artifacts.has(ref)).toBe(true);
    await expectWhole(bucket, [1, 2]);
  });

  it('removes nothing where the files of a directory are not known, because it is damaged or the store does not answer', async () => {
    const bucket = new MemoryBucket();
    await before(bucket);
    const store = storeIn(bucket);
    const tried = refOf('models/1/model.json', Buffer.from('tried'));
    const [made, read] = await Promise.all(
      ['made', 'read'].map(async (name) => {
        const file = await store.artifacts.put(`${name}.arrow`, Buffer.from(name));
        return store.artifacts.putDirectory(`data/${name}/`, [file]);
      }),
    );
    const entry = makeEntry('train', 2, { made: made! }, { inputs: { read: read! } });
    await publish(store, 2, await store.cache.enter(entry, { replace: false }));
    for (const { sha256: hash } of [made!, read!]) {
      const deaf = new MemoryBucket(bucket.server, {
        around: ({ verb, key }, act) => {
          if (verb === 'get' && key === manifestKey(hash)) throw new Error('no answer');
          return act();
        },
      });
      await expect(collectGarbage(storeIn(deaf), all, nobody)).rejects.toThrow('no answer');
      expect(await store.artifacts.has(tried)).toBe(true);
    }
    await bucket.delete(manifestKey(made!.sha256));
    await expect(collectGarbage(storeIn(bucket), all, nobody)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      message: expect.stringMatching(/^data\/made\/ .* its files are not known and nothing is/),
      details: { ref: made! },
    });
    expect(await store.artifacts.has(tried)).toBe(true);
  });

  it('knows the builds of a pipeline with a long name, and stages of other programs', async () => {
    const bucket = new MemoryBucket();
    const store = storeIn(bucket);
    const pipeline = 'wine-quality_2';
    for (const version of [1, 2]) {
      const model = await store.artifacts.put('models/1/model.json', Buffer.from(`v${version}`));
      const entry = makeEntry('distill', version, { model });
      await store.cache.enter(entry, { replace: false });
      const stages = [stageOf(entry)];
      await store.records.publish(draftRecord({ pipeline, version, build: entry.key, stages }));
    }
    const { remove, give_up } = await collectGarbage(
      store,
      { pipeline, last: 1, versions: [] },
      nobody,
    );
    expect(give_up).toEqual([{ pipeline, version: 1, seq: 1 }]);
    expect(remove).toHaveLength(2);
    const kept = modelOf(await store.records.latest(pipeline, 2));
    expect(await store.artifacts.has(kept)).toBe(true);
  });

  it('goes on where an object is removed while it plans', async () => {
    const quiet = new MemoryBucket();
    await before(quiet);
    const tried = objectKey(refOf('', Buffer.from('tried')).md5);
    const bucket = new MemoryBucket(quiet.server, {
      around: ({ verb, key }, act) => {
        if (verb === 'head' && key === tried) quiet.server.objects!.delete(tried);
        return act();
      },
    });
    const { remove } = await collectGarbage(storeIn(bucket), all, nobody);
    expect(remove.map(({ kind }) => kind)).toEqual(['cache entries']);
    await expectWhole(bucket, [1]);
  });

  it('waits for a run that found its lock and withdraws', async () => {
    const quiet = new MemoryBucket();
    await before(quiet);
    const { leases } = storeIn(quiet);
    let asked = 0;
    const bucket = new MemoryBucket(quiet.server, {
      around: async ({ verb, key }, act) => {
        // The run has looked for the lock just before.
        if (verb === 'put' && key === 'leases/gate.json' && asked === 0) await leases.take(run);
        return act();
      },
    });
    const isActive = async (): Promise<boolean> => {
      if (++asked === 3) await leases.release(run);
      return true;
    };
    const { remove } = await collectGarbage(storeIn(bucket), all, { isLive: isActive });
    expect(asked).toBe(3);
    expect(remove).toHaveLength(2);
  });

  it('removes the note of an upload that the store has forgotten', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const bucket = new MemoryBucket();
      await before(bucket);
      await noteUpload(bucket, 'k').begun('forgotten');
      vi.setSystemTime(Date.now() + 25 * 3_600_000);
      const { remove } = await collectGarbage(storeIn(bucket), all, nobody);
      expect(remove.at(-1)).toMatchObject({ kind: 'unfinished uploads', size: 0 });
      expect(await bucket.names('uploads/')).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes no other object for a record, an entry or an artifact', async () => {
    const bucket = new MemoryBucket();
    await before(bucket);
    const others = [
      'ledgers/p.json.bak',
      'ledgers/folder/p.json',
      'versions/p/000001/000001.json.bak',
      'versions/p/1/1.json',
      'versions/p/000001/0000001.json',
      'cache/train/notes.json',
      'cache/train/ab/notes.json',
      'manifests/sha256/ab/notes',
      'files/md5/ab/notes',
      'files/md5/notes',
    ];
    for (const key of others)
      await bucket.put(key, Buffer.from('{'), { sha256: sha256('{'), mark: true });
    await collectGarbage(storeIn(bucket), all, nobody);
    for (const key of others) expect(await bucket.head(key)).toBeDefined();
    await expectWhole(bucket, [1]);
  });
});

describe('a collection with a version that it gives up', () => {
  const keep = { pipeline: 'p', last: 1, versions: [] };

  /** Versions 1 and 2 in a store whose requests can be changed. */
  async function holding(around: Around) {
    const quiet = new MemoryBucket();
    await before(quiet);
    const store = storeIn(quiet);
    await publish(store, 2, await train(store, 'v2'));
    const deleted = vi.spyOn(quiet.server.objects!, 'delete');
    const collect = () =>
      collectGarbage(storeIn(new MemoryBucket(quiet.server, { around })), keep, {
        isLive: async () => false,
      });
    return { store, collect, deleted };
  }

  it('marks no record once its lock may have expired', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const { store, collect, deleted } = await holding(({ verb }, act) => {
        if (verb === 'list') vi.setSystemTime(Date.now() + 31_000);
        return act();
      });
      await expect(collect()).rejects.toMatchObject({ name: 'Conflict' });
      expect(
        await store.records.collectedAt({ pipeline: 'p', version: 1, seq: 1 }),
      ).toBeUndefined();
      expect(deleted).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });

  it('removes nothing where an entry cannot be read because the store does not answer', async () => {
    const { collect, deleted } = await holding(({ verb, key }, act) => {
      if (verb === 'get' && key.startsWith('cache/')) throw new Error('no answer');
      return act();
    });
    await expect(collect()).rejects.toThrow('no answer');
    expect(deleted).not.toHaveBeenCalled();
  });

  it('removes no object before the last entry is gone', async () => {
    const done: string[] = [];
    const { collect } = await holding(async ({ verb, key }, act) => {
      if (verb === 'delete' && key.startsWith('cache/'))
        await new Promise((resolve) => setImmediate(resolve));
      if (verb === 'delete') done.push(key.split('/')[0]!);
      return act();
    });
    expect((await collect()).remove.map(({ kind }) => kind).toSorted()).toEqual([
      'cache entries',
      'cache entries',
      'models',
      'models',
    ]);
    expect(done).toEqual(['cache', 'cache', 'files', 'files']);
  });
});

it('a collection that the store keeps waiting removes nothing once its lock may have expired', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const removed: string[] = [];
    const bucket = new MemoryBucket(undefined, {
      around: ({ verb, key }, act) => {
        if (verb === 'delete' && !key.startsWith('leases/')) {
          removed.push(key);
          vi.setSystemTime(Date.now() + 61_000);
        }
        return act();
      },
    });
    await before(bucket);
    await expect(collecting(new Set())(bucket)).rejects.toMatchObject({ name: 'Conflict' });
    expect(removed).toHaveLength(1);
    await expectWhole(bucket, [1]);
  } finally {
    vi.useRealTimers();
  }
});
