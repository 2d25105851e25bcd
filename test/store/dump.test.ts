import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StorageUnavailable } from '../../contract/failures.ts';
import type { Bucket, OpenObject, PartsOptions } from '../../store/bucket.ts';
import { dumpBucket, loadDump, readDump } from '../../store/dump.ts';
import { sha256 } from '../../store/hash.ts';
import { MemoryBucket, noteRequests } from '../support/memory-bucket.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dump '));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nothing = async (): Promise<void> => undefined;

async function put(bucket: Bucket, key: string, mark = false): Promise<void> {
  const bytes = Buffer.from(`bytes of ${key}`);
  await bucket.put(key, bytes, { sha256: sha256(bytes), mark });
}

async function keysIn(bucket: Bucket): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of bucket.list('')) keys.push(key);
  return keys;
}

const OBJECT = 'files/md5/ab/cd';
const MANIFEST = 'manifests/sha256/ab/cd';
const DOCUMENTS = [
  'attempts/p/a.json',
  'cache/train/ab/c.json',
  'champions/p.json',
  'ledgers/p.json',
  'leases/p/l.json',
  'versions/p/index.json',
];

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

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

it('an object whose read broke off halfway is whole in the dump', async () => {
  const from = new Breaking();
  await put(from, OBJECT, true);
  await dumpBucket(from, folder, nothing);
  const into = new MemoryBucket();
  await loadDump(into, folder, await readDump(folder));
  expect(String(Buffer.from((await into.get(OBJECT))!.bytes))).toBe(`bytes of ${OBJECT}`);
});

it('a bucket is restored with every object, and with the marks of those that are ours', async () => {
  const from = new MemoryBucket();
  for (const key of [...DOCUMENTS, MANIFEST, OBJECT]) await put(from, key, key === OBJECT);
  await dumpBucket(from, folder, nothing);
  const into = new MemoryBucket();
  await loadDump(into, folder, await readDump(folder));
  expect(await keysIn(into)).toEqual(await keysIn(from));
  for (const key of await keysIn(from)) expect(await into.head(key)).toEqual(await from.head(key));
});

it('what a document names is in the dump, though both are stored while it is made', async () => {
  const from = new MemoryBucket();
  await put(from, 'ledgers/earlier.json');
  const { objects } = await dumpBucket(from, folder, async () => {
    await put(from, OBJECT);
    for (const key of DOCUMENTS) await put(from, key);
  });
  expect(objects.map(({ key }) => key)).toEqual(['ledgers/earlier.json', OBJECT]);
});

it('an object that is removed while the dump is made is left out', async () => {
  const from = new MemoryBucket(undefined, {
    pageSize: 1,
    around: ({ verb, key }, act) => {
      if (verb === 'head' && key === OBJECT) from.server.objects!.delete(OBJECT);
      return act();
    },
  });
  for (const key of [OBJECT, MANIFEST]) await put(from, key);
  const { objects } = await dumpBucket(from, folder, nothing);
  expect(objects.map(({ key }) => key)).toEqual([MANIFEST]);
});

it('an object that is removed between the look at it and the read of it is left out too', async () => {
  const from = new MemoryBucket(undefined, {
    around: ({ verb, key }, act) => {
      if (verb === 'get' && key === OBJECT) from.server.objects!.delete(OBJECT);
      return act();
    },
  });
  for (const key of [OBJECT, MANIFEST]) await put(from, key);
  await dumpBucket(from, folder, nothing);
  expect((await readDump(folder)).objects.map(({ key }) => key)).toEqual([MANIFEST]);
});

it('an object that is damaged on its way is whole in the dump, and one that is not is read once', async () => {
  const opened: string[] = [];
  class Damaging extends MemoryBucket {
    override async open(key: string): Promise<OpenObject | undefined> {
      const object = await super.open(key);
      const isFirst = !opened.includes(key);
      opened.push(key);
      if (object === undefined || key !== OBJECT || !isFirst) return object;
      return { ...object, chunks: only(Buffer.from(`BYTES of ${OBJECT}`)) };
    }
  }
  const from = new Damaging();
  for (const key of [OBJECT, MANIFEST]) await put(from, key);
  await dumpBucket(from, folder, nothing);
  const into = new MemoryBucket();
  await loadDump(into, folder, await readDump(folder));
  expect(String(Buffer.from((await into.get(OBJECT))!.bytes))).toBe(`bytes of ${OBJECT}`);
  expect(opened).toEqual([OBJECT, OBJECT, MANIFEST]);
});

it('a restore that is stopped anywhere leaves no document without what it names', async () => {
  const from = new MemoryBucket();
  for (const key of [...DOCUMENTS, MANIFEST, OBJECT]) await put(from, key);
  await dumpBucket(from, folder, nothing);
  const { bucket: into, listPuts } = noteRequests();
  await loadDump(into, folder, await readDump(folder));
  const stored = listPuts();
  expect(stored.slice(0, 2).toSorted()).toEqual([OBJECT, MANIFEST]);
  expect(new Set(stored.slice(2))).toEqual(new Set(DOCUMENTS));
});

it('large objects are stored in parts, with their marks, and the others with their type', async () => {
  const stored: [key: string, size: number, mark: boolean][] = [];
  class Counting extends MemoryBucket {
    override async putParts(key: string, _: string, { size, mark }: PartsOptions): Promise<void> {
      stored.push([key, size, mark]);
    }
  }
  const types: Record<string, string | undefined> = {};
  const from = new MemoryBucket();
  for (const key of ['large', 'small', 'ledgers/p.json']) await put(from, key, key === 'large');
  const dump = await dumpBucket(from, folder, nothing);
  const into = new Counting();
  const putOne = into.put.bind(into);
  into.put = async (key, bytes, options) => {
    types[key] = options.contentType;
    return putOne(key, bytes, options);
  };
  const large = 64 * 2 ** 20 + 1;
  const sized = dump.objects.map((one) => (one.key === 'large' ? { ...one, size: large } : one));
  await loadDump(into, folder, { ...dump, objects: sized });
  expect(stored).toEqual([['large', large, true]]);
  expect(types).toEqual({ small: undefined, 'ledgers/p.json': 'application/json' });
});

it('an empty bucket is restored as an empty bucket, which exists', async () => {
  const from = new MemoryBucket();
  await from.ensure();
  await dumpBucket(from, folder, nothing);
  const into = new MemoryBucket();
  await loadDump(into, folder, await readDump(folder));
  expect([await into.exists(), await keysIn(into)]).toEqual([true, []]);
});

describe('a backup', () => {
  const list = (): string => join(folder, 'objects.json');

  beforeEach(async () => {
    const from = new MemoryBucket();
    await put(from, OBJECT);
    await dumpBucket(from, folder, nothing);
  });

  it.each(['', '{', '{"schema":2,"bucket":"memory","objects":[]}'])(
    'without a list of objects that this program knows is refused: %j',
    async (text) => {
      writeFileSync(list(), text);
      await expect(readDump(folder)).rejects.toMatchObject({
        name: 'BadData',
        message: expect.stringContaining('holds no list of objects'),
      });
    },
  );

  it.each([
    { key: '../outside' },
    { file: '../outside' },
    { file: 'objects/1/../../outside' },
    { file: 'x/objects/000000' },
    { sha256: `${'a'.repeat(64)}0` },
    { size: -1 },
  ])('whose list was changed by hand is refused: %j', async (change) => {
    const dump = JSON.parse(readFileSync(list(), 'utf8')) as { objects: object[] };
    Object.assign(dump.objects[0]!, change);
    writeFileSync(list(), JSON.stringify(dump));
    await expect(readDump(folder)).rejects.toMatchObject({ name: 'BadData' });
  });

  it('whose list has another size than the bytes is refused with the key', async () => {
    const dump = JSON.parse(readFileSync(list(), 'utf8')) as { objects: { size: number }[] };
    dump.objects[0]!.size += 1;
    writeFileSync(list(), JSON.stringify(dump));
    await expect(readDump(folder)).rejects.toMatchObject({ details: { key: OBJECT } });
  });

  it.each(['other bytes', `bytes of ${OBJECT} and more`, undefined])(
    'whose bytes are damaged is refused with the key: %j',
    async (text) => {
      const file = join(folder, 'objects', '000000');
      if (text === undefined) rmSync(file);
      else writeFileSync(file, text);
      await expect(readDump(folder)).rejects.toMatchObject({
        name: 'DamagedArtifact',
        message: expect.stringContaining(OBJECT),
        details: { key: OBJECT },
      });
    },
  );
});
