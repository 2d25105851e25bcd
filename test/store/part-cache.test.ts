import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Artifacts } from '../../store/artifacts.ts';
import type { Bucket } from '../../store/bucket.ts';
import { refOf } from '../../store/hash.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { readCacheSize, PartCache } from '../../store/part-cache.ts';
import type { Ref } from '../../contract/ref.ts';
import { changeReads } from '../support/change-fs.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { countOpen, needsOpenFiles } from '../support/open-files.ts';

const PART = 1000;
const parts = Array.from({ length: 8 }, (_, i) => Buffer.alloc(PART, `part ${i} `));
const refs = parts.map((bytes, i) => refOf(`data/train/${i}.arrow`, bytes));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'part cache '));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A bucket that holds all parts and counts what is fetched, until it is emptied. */
function bucketOfParts() {
  const bucket = {
    fetched: 0,
    asked: 0,
    isEmpty: false,
    open: async (key: string) => {
      const i = refs.findIndex(({ md5 }) => key === `files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`);
      if (bucket.isEmpty || i < 0) return undefined;
      bucket.fetched++;
      async function* chunks(): AsyncIterable<Uint8Array> {
        yield parts[i]!;
      }
      return { size: PART, chunks: chunks() };
    },
    get: async () => undefined,
    head: async () => {
      bucket.asked++;
      return bucket.isEmpty ? undefined : { size: PART, etag: '', sha256: undefined, ours: true };
    },
  };
  return bucket as typeof bucket & Bucket;
}

function fileOf({ md5 }: Ref): string {
  return join(folder, 'md5', md5.slice(0, 2), md5.slice(2));
}

function sizeOfAll(): number {
  return (readdirSync(join(folder, 'md5'), { recursive: true }) as string[])
    .map((name) => statSync(join(folder, 'md5', name)))
    .reduce((sum, its) => sum + (its.isFile() ? its.size : 0), 0);
}

describe('parts kept on this machine', () => {
  it('are fetched once, by any number of workers, each into its own memory', async () => {
    const bucket = bucketOfParts();
    const workers = [1, 2].map(() => new PartCache(new LocalCache(folder, { most: 1e6 })));
    for (const worker of [...workers, ...workers]) {
      const bytes = await worker.read(bucket, refs[0]!);
      expect(Buffer.from(bytes!)).toEqual(parts[0]);
      expect(bytes!.buffer.byteLength).toBe(bytes!.byteLength);
      structuredClone(bytes, { transfer: [bytes!.buffer as ArrayBuffer] });
    }
    expect(bucket.fetched).toBe(1);
  });

  it('are fetched by two workers at once without harm', async () => {
    const bucket = bucketOfParts();
    const workers = [1, 2].map(() => new PartCache(new LocalCache(folder, { most: 1e6 })));
    const read = await Promise.all(
      workers.flatMap((worker) => refs.map((ref) => worker.read(bucket, ref))),
    );
    expect(read.map((bytes) => Buffer.from(bytes!))).toEqual([...parts, ...parts]);
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  });

  it('are thrown out and fetched again when they were damaged here', async () => {
    const bucket = bucketOfParts();
    const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
    await cache.read(bucket, refs[0]!);
    for (const damaged of [Buffer.alloc(PART, 'x'), Buffer.alloc(3)]) {
      writeFileSync(fileOf(refs[0]!), damaged);
      expect(Buffer.from((await cache.read(bucket, refs[0]!))!)).toEqual(parts[0]);
    }
    expect(bucket.fetched).toBe(3);
  });

  it('stay within the bound, those read last', async () => {
    const bucket = bucketOfParts();
    const cache = new PartCache(new LocalCache(folder, { most: 4 * PART }));
    for (const ref of refs) {
      await cache.read(bucket, ref);
      expect(sizeOfAll()).toBeLessThanOrEqual(4 * PART);
    }
    const fetched = bucket.fetched;
    await cache.read(bucket, refs.at(-1)!);
    expect(bucket.fetched).toBe(fetched);
    await cache.read(bucket, refs[0]!);
    expect(bucket.fetched).toBe(fetched + 1);
  });

  it('are fetched again where another worker has thrown out the damaged file already', async () => {
    const bucket = bucketOfParts();
    const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
    await cache.read(bucket, refs[0]!);
    const file = fileOf(refs[0]!);
    writeFileSync(file, Buffer.alloc(PART, 'x'));
    let reads = 0;
    await changeReads((asked) => {
      if (reads++ === 0) rmSync(file);
      return asked;
    });
    expect(Buffer.from((await cache.read(bucket, refs[0]!))!)).toEqual(parts[0]);
  });

  it('are whole where the system returns their bytes piece by piece', async () => {
    const bucket = bucketOfParts();
    const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
    await cache.read(bucket, refs[0]!);
    await changeReads((asked) => Math.min(asked, 300));
    expect(Buffer.from((await cache.read(bucket, refs[0]!))!)).toEqual(parts[0]);
    expect(bucket.fetched).toBe(1);
  });

  it('are fetched again where a file becomes shorter while it is read', async () => {
    const bucket = bucketOfParts();
    const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
    await cache.read(bucket, refs[0]!);
    const most = [300, 0];
    await changeReads((asked) => most.shift() ?? asked);
    expect(Buffer.from((await cache.read(bucket, refs[0]!))!)).toEqual(parts[0]);
    expect(bucket.fetched).toBe(2);
  });

  it('leave no file open, whether they are whole or damaged', needsOpenFiles, async () => {
    const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
    await cache.read(bucketOfParts(), refs[0]!);
    for (const damaged of [Buffer.alloc(PART, 'x'), Buffer.alloc(3)]) {
      writeFileSync(fileOf(refs[0]!), damaged);
      await cache.read(bucketOfParts(), refs[0]!);
    }
    expect(countOpen(fileOf(refs[0]!))).toBe(0);
  });

  it('are not fetched to this machine when one is larger than all that it may keep', async () => {
    const bucket = bucketOfParts();
    const small = new PartCache(new LocalCache(folder, { most: PART - 1 }));
    expect(await small.read(bucket, refs[0]!)).toBeUndefined();
    expect(bucket.fetched).toBe(0);
    expect(existsSync(join(folder, 'md5'))).toBe(false);
    const enough = new PartCache(new LocalCache(folder, { most: PART }));
    expect(Buffer.from((await enough.read(bucket, refs[0]!))!)).toEqual(parts[0]);
    expect(readFileSync(fileOf(refs[0]!))).toEqual(parts[0]);
  });

  it('are not here and not in the bucket, and the error says so', async () => {
    const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
    await expect(cache.read(new MemoryBucket(), refs[0]!)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      details: { ref: refs[0]! },
    });
  });

  it.each(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EIO'])(
    'are left to the store where this machine cannot write them: %s',
    async (code) => {
      const bucket = bucketOfParts();
      bucket.open = async () => {
        throw Object.assign(new Error(code), { code });
      };
      const cache = new PartCache(new LocalCache(folder, { most: 1e6 }));
      expect(await cache.read(bucket, refs[0]!)).toBeUndefined();
    },
  );

  it('do not hide that their object has gone and must be made again', async () => {
    const bucket = bucketOfParts();
    const artifacts = new Artifacts(bucket, new PartCache(new LocalCache(folder, { most: 1e6 })));
    expect(Buffer.from(await artifacts.getPart(refs[0]!))).toEqual(parts[0]);
    expect(Buffer.from(await artifacts.getPart(refs[0]!))).toEqual(parts[0]);
    expect(bucket.fetched).toBe(1);
    bucket.isEmpty = true;
    await expect(artifacts.getPart(refs[0]!)).rejects.toThrow('is missing from the bucket');
  });

  it('are asked for once by an activity, and again by the next one', async () => {
    const bucket = bucketOfParts();
    const artifacts = new Artifacts(bucket, new PartCache(new LocalCache(folder, { most: 1e6 })));
    const activity = artifacts.forOneActivity('p');
    for (const ref of [refs[0]!, refs[1]!, refs[0]!, refs[1]!]) await activity.getPart(ref);
    expect(bucket.asked).toBe(2);
    bucket.isEmpty = true;
    expect(Buffer.from(await activity.getPart(refs[0]!))).toEqual(parts[0]);
    rmSync(fileOf(refs[1]!));
    await expect(activity.getPart(refs[1]!)).rejects.toThrow('is missing from the bucket');
    await expect(artifacts.forOneActivity('p').getPart(refs[0]!)).rejects.toThrow('is missing');
  });

  it('are left to the store where the folder cannot be written to', async () => {
    writeFileSync(join(folder, 'file'), '');
    const cache = new PartCache(new LocalCache(join(folder, 'file'), { most: 1e6 }));
    expect(await cache.read(bucketOfParts(), refs[0]!)).toBeUndefined();
  });
});

describe('readCacheSize', () => {
  it('reads the megabytes from the environment', () => {
    expect(readCacheSize({})).toBe(4_096_000_000);
    expect(readCacheSize({ RETRAIN_CACHE_SIZE: '0.5' })).toBe(500_000);
    expect(readCacheSize({ RETRAIN_CACHE_SIZE: '0' })).toBe(0);
  });

  it.each(['-1', 'much', '', ' '])('refuses a size of "%s"', (RETRAIN_CACHE_SIZE) => {
    expect(() => readCacheSize({ RETRAIN_CACHE_SIZE })).toThrow(
      `RETRAIN_CACHE_SIZE is "${RETRAIN_CACHE_SIZE}", where a number of megabytes is expected: ` +
        'set it to 0 to keep nothing, or leave it out for 4096',
    );
  });
});
