import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { StorageUnavailable } from '../../contract/failures.ts';
import type { OpenObject } from '../../store/bucket.ts';
import { dumpBucket, loadDump, readDump } from '../../store/dump.ts';
import { sha256 } from '../../store/hash.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

/** A bucket whose first read breaks after a few bytes. */
class Breaking extends MemoryBucket {
  #breaks = 1;

  override async open(key: string): Promise<OpenObject | undefined> {
    const object = await super.open(key);
    if (object === undefined || this.#breaks-- <= 0) return object;
    return { ...object, chunks: breakAfter(Buffer.from('0123')) };
  }
}

async function* breakAfter(some: Uint8Array): AsyncGenerator<Uint8Array> {
  yield some;
  throw new StorageUnavailable('the connection broke off');
}

it('an object whose read broke off halfway is whole in the dump', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dump '));
  try {
    const bytes = Buffer.from('0123456789');
    const from = new Breaking();
    await from.put('files/md5/ab/cd', bytes, { sha256: sha256(bytes), mark: true });
    await dumpBucket(from, folder, async () => undefined);
    const into = new MemoryBucket();
    await loadDump(into, folder, await readDump(folder));
    expect(Buffer.from((await into.get('files/md5/ab/cd'))!.bytes)).toEqual(bytes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
