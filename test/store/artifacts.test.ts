import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { DamagedArtifact } from '../../contract/failures.ts';
import type { Ref } from '../../contract/ref.ts';
import { checkPresent } from '../../store/artifacts.ts';
import { manifestKey, md5, objectKey, refOf, sha256 } from '../../store/hash.ts';
import { storeIn } from '../../store/index.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { everyOrder, type Client } from '../support/interleavings.ts';
import { MemoryBucket, noteRequests } from '../support/memory-bucket.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const folder = mkdtempSync(join(tmpdir(), 'artifacts '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RIGHT = Buffer.from('right bytes');
/** As many bytes, so that only a hash tells them apart. */
const WRONG = Buffer.from('wrong bytes');

/** A store in memory, kept on this machine too where that is asked for. */
function openStore({ isKept = false } = {}) {
  const bucket = new MemoryBucket();
  const kept = new LocalCache(mkdtempSync(join(folder, 'cache ')));
  const store = storeIn(bucket, isKept ? { kept } : {});
  /** Changes what the server holds under a key, and what it says of it. */
  const spoil = (key: string, to: { bytes?: Buffer; sha256?: string | undefined }): void => {
    const object = bucket.server.objects!.get(key)!;
    bucket.server.objects!.set(key, { ...object, ...to });
  };
  return { ...store, bucket, spoil };
}

describe('an artifact', () => {
  it('comes back as it was stored, under the names its bytes have', async () => {
    const { artifacts, bucket } = openStore();
    const ref = await artifacts.put('data/x.csv', RIGHT);
    expect(ref).toEqual({ path: 'data/x.csv', md5: md5(RIGHT), sha256: sha256(RIGHT), size: 11 });
    expect(Buffer.from(await artifacts.get(ref))).toEqual(RIGHT);
    const key = `files/md5/${ref.md5.slice(0, 2)}/${ref.md5.slice(2)}`;
    expect([...bucket.server.objects!.keys()]).toEqual([key]);
    // Without its mark, gc would take it for an object of another program.
    expect((await bucket.head(key))!.ours).toBe(true);
  });

  it.each<[string, (store: ReturnType<typeof openStore>, ref: Ref) => Promise<unknown>]>([
    ['read', ({ artifacts }, ref) => artifacts.get(ref)],
    ['read as a part', ({ artifacts }, ref) => artifacts.getPart(ref)],
    ['brought to a file', ({ artifacts }, ref) => artifacts.toFile(ref, join(folder, 'out'))],
  ])('whose bytes have changed is refused when it is %s', async (_, read) => {
    for (const isKept of [false, true]) {
      const store = openStore({ isKept });
      const ref = await store.artifacts.put('m', RIGHT);
      store.spoil(objectKey(ref.md5), { bytes: WRONG }); // size and checksum say nothing
      await expect(read(store, ref)).rejects.toMatchObject({
        name: 'DamagedArtifact',
        message: expect.stringContaining('no longer matches its hash'),
        details: { ref },
      });
      rmSync(join(folder, 'out'), { force: true });
    }
  });

  it('that is a directory is refused when its manifest has changed', async () => {
    const { artifacts, spoil } = openStore();
    const file = await artifacts.put('a', RIGHT);
    const ref = await artifacts.putDirectory('d/', [file]);
    const other = { ...file, path: 'b' };
    const bytes = Buffer.from(JSON.stringify({ schema: 1, files: [other] }));
    spoil(manifestKey(ref.sha256), { bytes });
    await expect(artifacts.list(ref)).rejects.toMatchObject({ name: 'DamagedArtifact' });
  });

  it('is whole by a look alone when both its size and its checksum are right', async () => {
    const { artifacts, spoil } = openStore();
    const ref = await artifacts.put('m', RIGHT);
    const key = objectKey(ref.md5);
    expect(await artifacts.has(ref)).toBe(true);
    spoil(key, { sha256: undefined }); // a server that keeps no checksum
    expect(await artifacts.has(ref)).toBe(true);
    spoil(key, { bytes: RIGHT.subarray(1) });
    expect(await artifacts.has(ref)).toBe(false);
    spoil(key, { bytes: RIGHT, sha256: sha256(WRONG) });
    expect(await artifacts.has(ref)).toBe(false);
    await expect(checkPresent(artifacts, '', [ref], 'run')).rejects.toMatchObject({
      name: 'DamagedArtifact',
    });
  });

  it('that is damaged is written over by the next put, which leaves whose it is', async () => {
    for (const mark of [true, false]) {
      const { artifacts, bucket, spoil } = openStore();
      const { md5: name } = refOf('m', RIGHT);
      await bucket.put(objectKey(name), RIGHT, { sha256: sha256(RIGHT), mark });
      spoil(objectKey(name), { bytes: RIGHT.subarray(1) });
      const ref = await artifacts.put('m', RIGHT);
      expect(Buffer.from(await artifacts.get(ref))).toEqual(RIGHT);
      expect((await bucket.head(objectKey(name)))!.ours).toBe(mark);
    }
  });

  it('is stored once: a second put and a file of the same bytes send nothing', async () => {
    const { artifacts, bucket } = openStore();
    const file = join(folder, 'same');
    writeFileSync(file, RIGHT);
    await artifacts.put('m', RIGHT);
    const { modified } = bucket.server.objects!.get(objectKey(md5(RIGHT)))!;
    bucket.server.now = () => new Date(0);
    await artifacts.put('m', RIGHT);
    const ref = await artifacts.putFile('m', file);
    expect(bucket.server.objects!.get(objectKey(ref.md5))!.modified).toBe(modified);
    await artifacts.put('m', RIGHT, { rewrite: true });
    expect(bucket.server.objects!.get(objectKey(ref.md5))!.modified).toEqual(new Date(0));
    const out = join(folder, 'same out');
    await artifacts.toFile(ref, out);
    expect(readFileSync(out)).toEqual(RIGHT);
  });
});

describe('a directory', () => {
  it('is whole when both of its forms are there, and its manifest has the right checksum', async () => {
    const { artifacts, bucket, spoil } = openStore();
    const ref = await artifacts.putDirectory('d/', [await artifacts.put('a', RIGHT)]);
    expect(await artifacts.has(ref)).toBe(true);
    const [manifest, twin] = [manifestKey(ref.sha256), objectKey(ref.md5)];
    spoil(manifest, { sha256: undefined }); // a server that keeps no checksum
    expect(await artifacts.has(ref)).toBe(true);
    spoil(manifest, { sha256: sha256(WRONG) });
    expect(await artifacts.has(ref)).toBe(false);
    spoil(manifest, { sha256: ref.sha256 });
    for (const key of [manifest, twin]) {
      const kept = bucket.server.objects!.get(key)!;
      bucket.server.objects!.delete(key);
      expect(await artifacts.has(ref)).toBe(false);
      bucket.server.objects!.set(key, kept);
    }
    expect(await artifacts.has(ref)).toBe(true);
  });

  it('is stored again over damaged forms, or when it is asked for', async () => {
    const { artifacts, bucket, spoil } = openStore();
    const files = [await artifacts.put('a', RIGHT)];
    const ref = await artifacts.putDirectory('d/', files);
    const keys = [manifestKey(ref.sha256), objectKey(ref.md5)];
    for (const key of keys) spoil(key, { bytes: Buffer.alloc(0), sha256: sha256('') });
    await artifacts.putDirectory('d/', files);
    expect((await artifacts.list(ref)).map(({ path }) => path)).toEqual(['a']);
    expect((await bucket.get(keys[1]!))!.bytes.length).toBeGreaterThan(0);
    bucket.server.now = () => new Date(0);
    await artifacts.putDirectory('d/', files);
    for (const key of keys)
      expect(bucket.server.objects!.get(key)!.modified).not.toEqual(new Date(0));
    await artifacts.putDirectory('d/', files, { rewrite: true });
    for (const key of keys) expect(bucket.server.objects!.get(key)!.modified).toEqual(new Date(0));
  });
});

/** A store whose requests are noted. */
function noting() {
  const { bucket, sent } = noteRequests();
  return { artifacts: storeIn(bucket).artifacts, bucket, sent };
}

it('a small file is stored by one request after one look', async () => {
  const file = join(folder, 'small');
  writeFileSync(file, RIGHT);
  for (const rewrite of [false, true]) {
    const { artifacts, sent } = noting();
    await artifacts.putFile('m', file, { rewrite });
    expect(sent.map(({ verb }) => verb)).toEqual(['head', 'put']);
  }
});

describe('a file of more than 32 MiB', () => {
  const file = join(folder, 'large');
  const key = objectKey(md5(Buffer.alloc(33 * 2 ** 20)));

  function counting() {
    writeFileSync(file, Buffer.alloc(33 * 2 ** 20));
    return noting();
  }

  it('is stored in parts once, with our mark, and again when it is asked for', async () => {
    const { artifacts, bucket, sent } = counting();
    const ref = await artifacts.putFile('m', file);
    expect(ref).toMatchObject({ path: 'm', size: 33 * 2 ** 20 });
    expect(await artifacts.has(ref)).toBe(true);
    expect((await bucket.head(key))!.ours).toBe(true);
    const countParts = (): number => sent.filter(({ verb }) => verb === 'part').length;
    const parts = countParts();
    expect(parts).toBeGreaterThan(2);
    expect(await artifacts.putFile('other', file, { known: ref })).toEqual({
      ...ref,
      path: 'other',
    });
    expect(countParts()).toBe(parts);
    await artifacts.putFile('m', file, { known: ref, rewrite: true });
    expect(countParts()).toBe(2 * parts);
  });

  it('that is damaged is stored over, and stays of the one who stored it', async () => {
    const { artifacts, bucket } = counting();
    await bucket.put(key, WRONG, { sha256: sha256(WRONG) });
    const ref = await artifacts.putFile('m', file);
    expect(await artifacts.has(ref)).toBe(true);
    expect((await bucket.head(key))!.ours).toBe(false);
  });
});

it('an activity lists a directory once, and the next one lists it again', async () => {
  const { artifacts, bucket } = openStore();
  const directory = await artifacts.putDirectory('d/', [await artifacts.put('m', RIGHT)]);
  const activity = artifacts.forOneActivity('p');
  const files = await activity.list(directory);
  await bucket.delete(manifestKey(directory.sha256));
  expect(await activity.list(directory)).toEqual(files);
  await expect(artifacts.forOneActivity('p').list(directory)).rejects.toThrow(DamagedArtifact);
});

describe('bytes that differ from their reference', () => {
  it('because the network damaged them are read a second time', async () => {
    let [damaged, reads] = [0, 0];
    const bucket = new MemoryBucket(undefined, {
      around: ({ verb }, act) => {
        const answer = act();
        if (verb !== 'get' || reads++ >= damaged) return answer;
        return { ...answer, bytes: WRONG };
      },
    });
    const { artifacts } = storeIn(bucket);
    const ref = await artifacts.put('m', RIGHT);
    for (damaged of [0, 1]) {
      reads = 0;
      expect(Buffer.from(await artifacts.get(ref))).toEqual(RIGHT);
      expect(reads).toBe(damaged + 1);
    }
    [damaged, reads] = [2, 0];
    await expect(artifacts.get(ref)).rejects.toMatchObject({ name: 'DamagedArtifact' });
    expect(reads).toBe(2);
  });

  it('because they are more are not read, and are called damaged', async () => {
    const { artifacts, spoil } = openStore();
    const ref = await artifacts.put('m', RIGHT);
    spoil(objectKey(ref.md5), { bytes: Buffer.concat([RIGHT, RIGHT]) });
    await expect(artifacts.get(ref)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      message: expect.stringContaining('no longer matches its hash'),
      details: { ref },
    });
  });

  it('are named with the command that repairs them, where the pipeline is known', async () => {
    const { bucket, artifacts, spoil } = openStore();
    const ref = await artifacts.put('m', RIGHT);
    const file = join(folder, 'of wine');
    spoil(objectKey(ref.md5), { bytes: Buffer.from('wrong') });
    const hint = 'make it again with "npx retrain verify --all --repair --pipeline wine"';
    const { artifacts: ofWine } = storeIn(bucket, { pipeline: 'wine' });
    for (const read of [
      () => ofWine.get(ref),
      () => ofWine.toFile(ref, file),
      () => artifacts.forOneActivity('wine').get(ref),
    ])
      await expect(read()).rejects.toThrow(hint);
  });
});

it('an object that is removed each time it is stored makes the store unavailable', async () => {
  let puts = 0;
  const bucket = new MemoryBucket(undefined, {
    around: ({ verb, key }, act) => {
      if (verb !== 'put') return act();
      puts++;
      // Another client stores it after our look, and gc removes it before our next one.
      void bucket.server.ensured().set(key, bucket.server.ensured().get('other')!);
      const answer = act();
      bucket.server.ensured().delete(key);
      return answer;
    },
  });
  bucket.server.ensured().set('other', {
    bytes: WRONG,
    etag: '"e"',
    sha256: undefined,
    ours: false,
    modified: new Date(),
  });
  await expect(storeIn(bucket).artifacts.put('m', RIGHT)).rejects.toMatchObject({
    name: 'StorageUnavailable',
    message: expect.stringContaining('is removed again and again'),
  });
  expect(puts).toBe(5);
});

describe('the files of a directory that a run relies on', () => {
  // A power of two: from a large number, only the last bits of it choose among so many.
  const files = Array.from({ length: 32 }, (_, i) => refOf(`${i}.arrow`, Buffer.from(`${i}`)));

  /** The files that a run looks at. */
  async function looked(some: readonly Ref[], runId: string): Promise<string[]> {
    const seen: string[] = [];
    const has = async ({ path }: Ref): Promise<boolean> => seen.push(path) > 0;
    await checkPresent({ has, pipeline: 'p' }, 'd/', some, runId);
    return seen;
  }

  it('are looked at eight at a time, the same for each attempt of a run and others for other runs', async () => {
    const first = await looked(files, 'run 1');
    expect(new Set(first).size).toBe(8);
    expect(await looked(files, 'run 1')).toEqual(first);
    const all = new Set<string>();
    for (let run = 0; run < 100; run++)
      for (const path of await looked(files, `run ${run}`)) all.add(path);
    expect(all.size).toBe(files.length);
  });

  it('are all looked at where there are at most eight', async () => {
    for (const count of [1, 8])
      expect(await looked(files.slice(0, count), 'run 1')).toEqual(
        files.slice(0, count).map(({ path }) => path),
      );
  });

  it('are named with their path in the tree where one is missing', async () => {
    const missing = checkPresent(
      { has: async () => false, pipeline: 'p' },
      'd/',
      files.slice(0, 1),
      'run',
    );
    await expect(missing).rejects.toMatchObject({
      message:
        'd/0.arrow is missing from the bucket, or damaged: run its batch again, or make the file again with "npx retrain verify --all --repair --pipeline p"',
      details: { ref: { ...files[0], path: 'd/0.arrow' } },
    });
  });
});

describe('in every order of their requests', () => {
  it('two that store what is there damaged leave it right as soon as one is done', async () => {
    const put: Client = (bucket) => storeIn(bucket).artifacts.put('m', RIGHT);
    const key = objectKey(md5(RIGHT));
    await everyOrder({
      before: async (bucket) => void (await bucket.put(key, WRONG, { sha256: sha256(WRONG) })),
      clients: () => [put, put],
      crashes: 1,
      after: async (bucket, ended) => {
        expect(ended.some(({ status }) => status === 'done')).toBe(true);
        expect(Buffer.from((await bucket.get(key))!.bytes)).toEqual(RIGHT);
      },
    });
  });
});
