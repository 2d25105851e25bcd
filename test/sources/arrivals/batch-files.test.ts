import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { computeHere } from '../../../client/commands/pending/looking.ts';
import type { GetDataRequest } from '../../../contract/stages.ts';
import { paramsSchema } from '../../../pipeline/models/params.ts';
import { lookForBatch } from '../../../sources/arrivals/batch-files.ts';
import { limitsFromEnv, type SourceDeps } from '../../../sources/source.ts';
import { objectKey } from '../../../store/hash.ts';
import { storeIn } from '../../../store/index.ts';
import type { Ledger } from '../../../store/ledger/ledger.ts';
import { LocalCache } from '../../../store/local-cache.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';

/** The stored copies of files that have arrived in a folder of the worker. */

const TEXTS = {
  'a.csv': 'n,label\n1,x\n2,y\n',
  'b.csv': 'n,label\n3,x\n',
  'c.csv': 'n,label\n4,y\n',
};

let root: string;
let bucket: MemoryBucket;
let deps: SourceDeps;
let ledger: Ledger;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'arrived '));
  mkdirSync(join(root, 'in'));
  for (const [name, text] of Object.entries(TEXTS)) write(name, text);
  // The files are old, so nothing waits until they are written.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  bucket = new MemoryBucket();
  deps = {
    root,
    scratch: root,
    compute: computeHere,
    local: new LocalCache(join(root, 'cache')),
    store: storeIn(bucket),
    sources: { s3: { region: 'us-east-1', bucket: 'unused' }, limits: limitsFromEnv({}) },
  };
  ({ ledger } = await look({ batch: 3 }));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(root, 'in', name), text);
}

function look(asked: Partial<GetDataRequest> = {}): ReturnType<typeof lookForBatch> {
  const params = paramsSchema.parse({ data: { source: 'in/', target: 'label' } });
  const asking = { pipeline: 'p', batch: 1, params, source: null, refresh: false, damaged: [] };
  const request: GetDataRequest = { ...asking, inputs: {}, cache: 'use', force: null, ...asked };
  const { signal } = new AbortController();
  return lookForBatch(deps, request, { signal, heartbeat: () => undefined } as never);
}

/** The stored copy of a batch's file. */
const copyOf = (batch: number) =>
  ledger.raw.find(({ ref }) => ref.sha256 === ledger.arrivals[batch - 1]!.raw)!.ref;

const textOf = async (batch: number) =>
  Buffer.from(await deps.store.artifacts.get(copyOf(batch))).toString();

/** Changes the bytes of copies so that a HEAD shows no difference. @returns their MD5 */
function damage(...batches: number[]): string[] {
  const lost = batches.map((batch) => copyOf(batch));
  for (const { md5, size } of lost)
    bucket.server.objects!.get(objectKey(md5))!.bytes = Buffer.alloc(size, 'x');
  return lost.map(({ md5 }) => md5);
}

describe('a damaged copy of a file that arrived', () => {
  it('is stored again from its folder, and so is that of another batch', async () => {
    const damaged = damage(1, 3);
    await expect(textOf(1)).rejects.toMatchObject({ name: 'DamagedArtifact' });
    expect((await look({ damaged })).ledger).toEqual(ledger);
    expect([await textOf(1), await textOf(3)]).toEqual([TEXTS['a.csv'], TEXTS['c.csv']]);
  });

  it.each<[how: string, change: () => void]>([
    ['is gone', () => rmSync(join(root, 'in', 'b.csv'))],
    ['has other bytes now', () => write('b.csv', 'n,label\n9,x\n')],
  ])('is not stored again from a file that %s', async (_, change) => {
    const damaged = damage(2);
    change();
    await expect(look({ damaged })).rejects.toMatchObject({
      name: 'BadData',
      message:
        'the stored copy of b.csv is damaged, and in/ no longer has the same file: put it back there',
    });
    await expect(textOf(2)).rejects.toMatchObject({ name: 'DamagedArtifact' });
  });
});
