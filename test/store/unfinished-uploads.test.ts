import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { hashOf, sha256 } from '../../store/hash.ts';
import { noteUpload, storeInParts, unfinishedUploads } from '../../store/unfinished-uploads.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const START = Date.parse('2026-01-02T02:00:00.000Z');

let bucket: MemoryBucket;
beforeEach(() => {
  bucket = new MemoryBucket();
  vi.useFakeTimers({ toFake: ['Date'], now: START });
});
afterEach(() => vi.useRealTimers());

const keys = (): string[] => [...bucket.server.ensured().keys()];
const noteOf = (key: string, id: string): string => `uploads/${hashOf({ key, id })}.json`;
const unfinishedAt = (ms: number) => unfinishedUploads(bucket, new Date(ms));

describe('an upload in parts', () => {
  it('is noted from its start to its end', async () => {
    const watch = noteUpload(bucket, 'k');
    await watch.begun('id');
    expect(keys()).toEqual([noteOf('k', 'id')]);
    await watch.ended();
    expect(keys()).toEqual([]);
  });

  it('that nobody has renewed for a day has died', async () => {
    await noteUpload(bucket, 'k').begun('id');
    expect(await unfinishedAt(START + DAY)).toEqual([]);
    expect(await unfinishedAt(START + DAY + 1)).toEqual([
      { note: noteOf('k', 'id'), key: 'k', uploadId: 'id', renewedAt: new Date(START) },
    ]);
  });

  it('renews its note once an hour, and no more often', async () => {
    const watch = noteUpload(bucket, 'k');
    await watch.begun('id');
    const puts = vi.spyOn(bucket, 'put');
    vi.setSystemTime(START + 60 * MINUTE - 1);
    await watch.going();
    expect(puts).not.toHaveBeenCalled();
    vi.setSystemTime(START + 60 * MINUTE);
    await watch.going();
    await watch.going();
    expect(puts).toHaveBeenCalledTimes(1);
    const [renewed] = await unfinishedAt(START + 60 * MINUTE + DAY + 1);
    expect(renewed!.renewedAt).toEqual(new Date(START + 60 * MINUTE));
  });

  it('leaves its object and no note', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'parts '));
    const file = join(folder, 'file');
    writeFileSync(file, 'bytes');
    await storeInParts(bucket, 'k', file, { sha256: sha256('bytes'), size: 5, mark: true });
    expect(keys()).toEqual(['k']);
    expect((await bucket.get('k'))!.bytes.toString()).toBe('bytes');
    rmSync(folder, { recursive: true });
  });
});

it('objects of others under uploads/ are no notes', async () => {
  for (const key of [
    'uploads/mine.json',
    `uploads/${'a'.repeat(64)}.json.bak`,
    `x/uploads/${'a'.repeat(64)}.json`,
  ])
    await bucket.put(key, Buffer.from('not JSON'), { sha256: sha256('not JSON') });
  expect(await unfinishedAt(START + 9 * DAY)).toEqual([]);
});

it('a note that is gone once it is read was of an upload that has ended', async () => {
  await noteUpload(bucket, 'k').begun('id');
  vi.spyOn(bucket, 'get').mockResolvedValue(undefined);
  expect(await unfinishedAt(START + 9 * DAY)).toEqual([]);
});
