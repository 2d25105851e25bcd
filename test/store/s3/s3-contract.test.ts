import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket, UploadWatch } from '../../../store/bucket.ts';
import { openBucket } from '../../../store/index.ts';
import { sha256 } from '../../../store/hash.ts';
import { changeReads } from '../../support/change-fs.ts';
import { countOpen, needsOpenFiles } from '../../support/open-files.ts';
import { startS3InMemory, type S3InMemory } from '../../support/s3-in-memory.ts';
import { holdsBucketContract } from '../bucket-contract.ts';

describe('a bucket of S3, with pages of 100 objects', () => {
  holdsBucketContract(async () => {
    const server = await startS3InMemory(100);
    return { open: (name) => openBucket(server.options(name)), stop: server.stop };
  });
});

describe('a bucket of S3', () => {
  const folder = mkdtempSync(join(tmpdir(), 's3 '));
  let server: S3InMemory;
  let bucket: Bucket;

  beforeAll(async () => {
    server = await startS3InMemory();
    bucket = openBucket(server.options('b'));
    await bucket.ensure();
  });
  beforeEach(() => {
    server.asked.length = 0;
    server.fault = () => undefined;
  });
  afterAll(async () => {
    bucket.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const MOST = 16 * 1024 * 1024;
  const unwatched = async (): Promise<void> => undefined;

  const bytes = Buffer.alloc(MOST + 1, 'abcdefg');

  /** Stores a file of one part and a byte, and notes what its watch was called with. */
  async function putParts(watch: Partial<UploadWatch> = {}): Promise<string[]> {
    const file = join(folder, 'file');
    writeFileSync(file, bytes);
    const seen: string[] = [];
    const known = { sha256: sha256(bytes), size: bytes.length, mark: true };
    await bucket
      .putParts('k', file, {
        ...known,
        watch: {
          begun: async (id) => {
            seen.push('begun');
            await watch.begun?.(id);
          },
          going: async () => {
            seen.push('going');
            await watch.going?.();
          },
          ended: async () => {
            seen.push('ended');
            await watch.ended?.();
          },
        },
      })
      .catch((error: unknown) =>
        seen.push(`${(error as Error).name}: ${(error as Error).message}`),
      );
    return seen;
  }

  it('makes no bucket that exists', async () => {
    await bucket.ensure();
    expect(server.asked).toEqual(['HEAD b/']);
  });

  it('is made by one of two clients at once, and the other does not mind', async () => {
    server.fault = (request) => (request === 'HEAD b/' ? 404 : undefined);
    await expect(bucket.ensure()).resolves.toBeUndefined();
  });

  it.each([
    ['ensure', (): Promise<unknown> => bucket.ensure()],
    ['get', () => bucket.get('k')],
    ['open', () => bucket.open('k')],
    ['head', () => bucket.head('k')],
    ['names', () => bucket.names('k')],
    ['list', () => bucket.list('k')[Symbol.asyncIterator]().next()],
    ['put', () => bucket.put('k', Buffer.from('v'), { sha256: sha256('v') })],
    ['delete', () => bucket.delete('k')],
    ['abortUpload', () => bucket.abortUpload('k', 'u')],
    ['sizeOfUpload', () => bucket.sizeOfUpload('k', 'u')],
  ])('that refuses %s is named with its bucket', async (_name, ask) => {
    server.fault = () => 403;
    await expect(ask()).rejects.toMatchObject({
      name: 'StorageRefused',
      message: expect.stringMatching(/http:\/\/127\.0\.0\.1:\d+ \(bucket b/),
    });
  });

  it('that cannot be made refuses the first put', async () => {
    const missing = openBucket(server.options('missing'));
    server.fault = (request) => (request === 'PUT missing/' ? 403 : undefined);
    const put = missing.put('k', Buffer.from('v'), { sha256: sha256('v') });
    await expect(put).rejects.toMatchObject({
      name: 'StorageRefused',
      message: expect.stringMatching(/\(bucket missing\) refused our credentials \(403/),
    });
    server.fault = (request) => (request === 'PUT missing/' ? 403 : undefined);
    await expect(missing.ensure()).rejects.toMatchObject({ name: 'StorageRefused' });
    missing.close();
  });

  it('that refuses a put is asked once, and no bucket is made', async () => {
    server.fault = () => 403;
    const put = bucket.put('k', Buffer.from('v'), { sha256: sha256('v') });
    await expect(put).rejects.toMatchObject({ name: 'StorageRefused' });
    expect(server.asked).toEqual(['PUT b/k?x-id=PutObject']);
  });

  it('lists no folders, which other programs store as empty objects', async () => {
    for (const key of ['listed/', 'listed/a', 'listed/b/'])
      await bucket.put(key, Buffer.from(''), { sha256: sha256('') });
    const keys: string[] = [];
    for await (const { key } of bucket.list('listed/')) keys.push(key);
    expect(keys).toEqual(['listed/a']);
  });

  it('is asked a second time, and no third time, when it answers that it is busy', async () => {
    let faults = 1;
    server.fault = () => (faults-- > 0 ? 503 : undefined);
    expect(await bucket.exists()).toBe(true);
    faults = 2;
    await expect(bucket.exists()).rejects.toMatchObject({ name: 'StorageUnavailable' });
    expect(server.asked).toHaveLength(4);
  });

  it('stores a file of which no part was noted as begun nowhere', async () => {
    const seen = await putParts({ begun: () => Promise.reject(new Error('no note')) });
    expect(seen).toEqual(['begun', 'ended', expect.stringContaining('no note')]);
    expect(server.asked.map((line) => line.split(' ')[0])).toEqual(['POST', 'DELETE']);
    expect(await bucket.head('k')).toBeUndefined();
  });

  it('gives up an upload whose part is refused, and reports the first error', async () => {
    server.fault = (request) => (request.includes('partNumber=2') ? 403 : undefined);
    const seen = await putParts();
    expect(seen).toEqual([
      'begun',
      'going',
      'ended',
      expect.stringMatching(/^StorageRefused: .*bucket b, k/),
    ]);
    expect(server.asked.at(-1)).toMatch(/^DELETE b\/k\?.*uploadId=/);
    expect(await bucket.head('k')).toBeUndefined();
    server.fault = (request) =>
      request.includes('partNumber=2') ? 403 : request.startsWith('DELETE') ? 500 : undefined;
    const again = await putParts();
    // The note stays, so that gc finds the upload.
    expect(again).toEqual(['begun', 'going', expect.stringMatching(/^StorageRefused/)]);
  });

  it('leaves no file open that it has stored or could not store', needsOpenFiles, async () => {
    expect(await putParts()).toEqual(['begun', 'going', 'going', 'ended']);
    expect(countOpen(join(folder, 'file'))).toBe(0);
    server.fault = (request) => (request.includes('partNumber=2') ? 403 : undefined);
    await putParts();
    expect(countOpen(join(folder, 'file'))).toBe(0);
  });

  it('stores a file whole where the system returns its bytes piece by piece', async () => {
    await bucket.delete('k');
    await changeReads((asked) => Math.min(asked, 1_000_000));
    await putParts();
    const stored = (await bucket.get('k'))!.bytes;
    expect(sha256(stored)).toBe(sha256(bytes));
  });

  it('gives up a file that becomes shorter while it is stored', async () => {
    await bucket.delete('k');
    await changeReads((asked) => (asked > 1 ? asked : 0));
    expect(await putParts()).toEqual([
      'begun',
      'going',
      'ended',
      expect.stringContaining('the file became shorter while it was being stored'),
    ]);
    expect(await bucket.head('k')).toBeUndefined();
  });

  it('takes a file of exactly one part as one part', async () => {
    const file = join(folder, 'one');
    const whole = bytes.subarray(1);
    writeFileSync(file, whole);
    const watch = { begun: unwatched, going: unwatched, ended: unwatched };
    const known = { sha256: sha256(whole), size: MOST, mark: false, watch };
    await bucket.putParts('one', file, known);
    expect(server.asked.filter((line) => line.includes('partNumber'))).toHaveLength(1);
    expect(await bucket.head('one')).toMatchObject({
      size: MOST,
      sha256: sha256(whole),
      ours: false,
    });
  });
});
