import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageUnavailable } from '../../contract/failures.ts';
import type { Bucket, OpenObject } from '../../store/bucket.ts';
import { refOf } from '../../store/hash.ts';
import { LocalCache, localFile } from '../../store/local-cache.ts';
import { changeFs } from '../support/change-fs.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

const right = Buffer.from('the right bytes');
const ref = refOf('data/a.csv', right);

let folder: string;
let cache: LocalCache;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'local cache '));
  cache = new LocalCache(folder);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A bucket that answers these in turn: bytes, nothing, or a connection that breaks halfway. */
class Answering extends MemoryBucket {
  readonly #answers: (Uint8Array | undefined | Error)[];

  constructor(answers: (Uint8Array | undefined | Error)[]) {
    super();
    this.#answers = answers;
  }

  override async open(): Promise<OpenObject | undefined> {
    const answer = this.#answers.shift();
    return answer === undefined ? undefined : { size: 0, etag: '', chunks: chunksOf(answer) };
  }
}

async function* chunksOf(answer: Uint8Array | Error): AsyncIterable<Uint8Array> {
  yield answer instanceof Error ? right.subarray(0, 4) : answer;
  if (answer instanceof Error) throw answer;
}

const bucketOf = (...answers: (Uint8Array | undefined | Error)[]): Bucket => new Answering(answers);

const bytesOf = (i: number): Buffer => Buffer.from(String(i).padStart(10));

/** Files of ten bytes, which this cache holds and which were last needed long ago, the first one first. */
async function fillWithOld(number: number): Promise<string[]> {
  const paths: string[] = [];
  for (let i = 0; i < number; i++) {
    const bytes = bytesOf(i);
    const path = await cache.fetch(bucketOf(bytes), refOf('data/a.csv', bytes));
    utimesSync(path, 1_000 + i, 1_000 + i);
    paths.push(path);
  }
  return paths;
}

const left = (): string[] => readdirSync(join(folder, 'tmp'));

describe('the local cache', () => {
  it('keeps a file under its hash, where it is found again', async () => {
    expect(await cache.find(ref)).toBeUndefined();
    const path = await cache.fetch(bucketOf(right), ref);
    expect(path).toBe(join(folder, 'md5', ref.md5.slice(0, 2), ref.md5.slice(2)));
    expect(readFileSync(path)).toEqual(right);
    expect(await cache.find(ref)).toBe(path);
    expect(await cache.holdsCopyOf(path)).toBe(true);
    expect(left()).toEqual([]);
  });

  it('holds no copy of a file with other bytes', async () => {
    await cache.fetch(bucketOf(right), ref);
    const edited = join(folder, 'a.csv');
    writeFileSync(edited, 'the bytes of a person');
    expect(await cache.holdsCopyOf(edited)).toBe(false);
    writeFileSync(edited, right);
    expect(await cache.holdsCopyOf(edited)).toBe(true);
  });

  it('looks again at bytes that do not match, and starts again when a connection breaks', async () => {
    const broken = new StorageUnavailable('gone');
    const path = await cache.fetch(bucketOf(Buffer.from('wrong'), broken, right), ref);
    expect(readFileSync(path)).toEqual(right);
  });

  it('fetches a file that is not here, once', async () => {
    const store = { bucket: bucketOf(right) };
    const path = await localFile({ store, local: cache }, ref);
    expect(readFileSync(path)).toEqual(right);
    expect(await localFile({ store, local: cache }, ref)).toBe(path);
  });

  it('says why a file cannot be written, and does not say that it is missing', async () => {
    writeFileSync(join(folder, 'file'), '');
    const elsewhere = new LocalCache(join(folder, 'file'));
    await expect(elsewhere.fetch(bucketOf(right), ref)).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(elsewhere.find(ref)).rejects.toMatchObject({ code: 'ENOTDIR' });
  });

  it('lets nothing in that is damaged or missing', async () => {
    const wrong = Buffer.from('wrong');
    const damaged = cache.fetch(bucketOf(wrong, wrong), ref);
    await expect(damaged).rejects.toMatchObject({ name: 'DamagedArtifact', details: { ref } });
    await expect(cache.fetch(bucketOf(undefined), ref)).rejects.toThrow('data/a.csv is missing');
    expect(await cache.find(ref)).toBeUndefined();
    expect(left()).toEqual([]);
  });

  it('throws out what has been damaged since it entered', async () => {
    const path = await cache.fetch(bucketOf(right), ref);
    writeFileSync(path, 'The right bytes');
    expect(await cache.find(ref)).toBeUndefined();
    expect(await cache.holdsCopyOf(path).catch(() => 'gone')).toBe('gone');
  });

  it('removes nothing that another worker has removed first, and does not fail', async () => {
    const bounded = new LocalCache(folder, { most: 10 });
    const paths = await fillWithOld(2);
    const draft = join(folder, 'tmp', 'old');
    writeFileSync(draft, '');
    utimesSync(draft, 1_000, 1_000);
    const removed: unknown[] = [];
    changeFs('rm', (rm) => async (path, options) => {
      removed.push(path);
      rmSync(path, { force: true });
      return rm(path, options);
    });
    const path = await bounded.fetch(bucketOf(right), ref);
    expect(removed.slice(1)).toEqual([draft, ...paths]);
    writeFileSync(path, 'shorter');
    expect(await cache.find(ref)).toBeUndefined();
    expect(removed.at(-1)).toBe(path);
  });

  it('does not have a file that another process removes while it is read', async () => {
    await cache.fetch(bucketOf(right), ref);
    class Late extends LocalCache {
      override async markNeeded(path: string): Promise<void> {
        rmSync(path);
      }
    }
    expect(await new Late(folder).find(ref)).toBeUndefined();
  });

  it('sweeps out what was left half fetched, a day later', async () => {
    await cache.sweep();
    await cache.fetch(bucketOf(right), ref);
    for (const name of ['old', 'new']) writeFileSync(join(folder, 'tmp', name), '');
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    utimesSync(join(folder, 'tmp', 'old'), yesterday, yesterday);
    await cache.sweep();
    expect(left()).toEqual(['new']);
  });

  it('passes over files that other processes remove while it looks', async () => {
    await fillWithOld(2);
    // Like a removed file, a link that leads nowhere is listed and cannot be looked at.
    for (const name of ['md5', 'tmp']) symlinkSync('nowhere', join(folder, name, 'gone'));
    const bounded = new LocalCache(folder, { most: 10 });
    expect(await bounded.find(ref)).toBeUndefined();
    expect(readFileSync(await bounded.fetch(bucketOf(right), ref))).toEqual(right);
    expect(left()).toEqual(['gone']);
  });

  it('past its bound keeps a file that another worker returns while others are removed', async () => {
    const paths = await fillWithOld(3);
    changeFs('rm', (rm) => async (path, options) => {
      if (path === paths[0]) await cache.find(refOf('data/a.csv', bytesOf(1)));
      return rm(path, options);
    });
    await new LocalCache(folder, { most: 10 }).fetch(bucketOf(right), ref);
    expect(paths.map((path) => existsSync(path))).toEqual([false, true, false]);
  });

  it('past its bound removes no more than brings it to nine tenths of it', async () => {
    const paths = await fillWithOld(9);
    const last = Buffer.from('ten bytes.');
    const path = await new LocalCache(folder, { most: 100 }).fetch(
      bucketOf(last),
      refOf('data/a.csv', last),
    );
    expect([...paths, path].map((one) => existsSync(one))).toEqual([
      false,
      ...Array.from({ length: 9 }, () => true),
    ]);
  });

  it('past its bound removes what was not needed for longest, and nothing that was just handed out', async () => {
    const bounded = new LocalCache(folder, { most: 2 * right.length });
    const files = [1, 2, 3, 4].map((n) => Buffer.from(`the right bytes`.replace('s', String(n))));
    const refs = files.map((bytes) => refOf('data/a.csv', bytes));
    for (const [i, bytes] of files.entries()) await bounded.fetch(bucketOf(bytes), refs[i]!);
    // All were handed out this hour, so all are still here.
    for (const one of refs) expect(await bounded.find(one)).toBeDefined();
    for (const [i, one] of refs.entries())
      utimesSync(bounded.pathOf(one.md5), 1_000 + i, 1_000 + i);
    await bounded.fetch(bucketOf(right), ref);
    const there = await Promise.all([...refs, ref].map(async (one) => bounded.find(one)));
    expect(there.map((path) => path !== undefined)).toEqual([false, false, false, false, true]);
  });
});
