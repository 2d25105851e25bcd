import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Ref } from '../../contract/ref.ts';
import { checkPresent } from '../../store/artifacts.ts';
import { manifestKey, md5, objectKey, refOf, sha256 } from '../../store/hash.ts';
import { storeIn } from '../../store/index.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { everyOrder, type Client } from '../support/interleavings.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

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
  const store = storeIn(bucket, isKept ? kept : undefined);
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
    expect([...bucket.server.objects!.keys()]).toEqual([
      `files/md5/${ref.md5.slice(0, 2)}/${ref.md5.slice(2)}`,
    ]);
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
