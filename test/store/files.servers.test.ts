import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { objectKey, refOf } from '../../store/hash.ts';
import { openStore, type Store } from '../../store/index.ts';
import { storeInParts } from '../../store/unfinished-uploads.ts';
import { describeOnEachS3, type S3Server } from '../support/s3-servers.ts';
import { unique } from '../support/project.ts';

/** Files go in and come out without being held in memory, on real S3 servers. */
describeOnEachS3('files', ({ open }) => {
  let server: S3Server;
  let store: Store;
  const folder = mkdtempSync(join(tmpdir(), 'files '));
  const small = Buffer.from('a,b\n1,2\n');
  const large = Buffer.alloc(33 * 1024 * 1024 + 7, 'rows of text, many\n');

  beforeAll(async () => {
    server = await open();
    store = openStore(server.options(unique('files')));
    await store.bucket.ensure();
  });

  afterAll(async () => {
    store?.bucket.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['small', small],
    ['stored in parts', large],
  ])('%s: come back as they were, under the name their bytes have', async (name, bytes) => {
    const file = join(folder, `${name} in`);
    writeFileSync(file, bytes);
    const ref = await store.artifacts.putFile('data/raw/x.csv', file);
    expect(ref).toEqual(refOf('data/raw/x.csv', bytes));
    expect(await store.artifacts.has(ref)).toBe(true);
    const out = join(folder, `${name} out`);
    await store.artifacts.toFile(ref, out);
    expect(readFileSync(out).equals(bytes)).toBe(true);
  });

  it('a large one that is there already is not sent again, one that is spoilt is', async () => {
    const file = join(folder, 'again');
    writeFileSync(file, large);
    const ref = await store.artifacts.putFile('x.csv', file);
    const key = objectKey(ref.md5);
    const before = (await store.bucket.head(key))!.etag;
    // The file is read no more once its reference is known and the object is whole.
    await store.artifacts.putFile('x.csv', join(folder, 'not there'), { known: ref });
    expect((await store.bucket.head(key))!.etag).toBe(before);
    await store.bucket.put(key, small, { sha256: refOf('x', small).sha256 });
    expect(await store.artifacts.has(ref)).toBe(false);
    await store.artifacts.putFile('x.csv', file);
    expect(await store.artifacts.has(ref)).toBe(true);
  });

  it('one stored in parts leaves nothing but itself, done or given up', async () => {
    const file = join(folder, 'cut short');
    writeFileSync(file, large);
    const known = { sha256: refOf('x', large).sha256, size: large.length, mark: true };
    await storeInParts(store.bucket, 'files/md5/00/whole', file, known);
    const longer = { ...known, size: large.length + 1 };
    const cut = storeInParts(store.bucket, 'files/md5/00/cut', file, longer);
    await expect(cut).rejects.toThrow('/cut');
    expect(await store.bucket.head('files/md5/00/cut')).toBeUndefined();
    for await (const { key: note } of store.bucket.list('uploads/')) expect(note).toBe('none');
  });

  it('a missing one is named', async () => {
    const ref = refOf('gone.csv', Buffer.from('never stored'));
    await expect(store.artifacts.toFile(ref, join(folder, 'gone'))).rejects.toThrow(
      /gone\.csv is missing from the bucket/,
    );
  });
});
