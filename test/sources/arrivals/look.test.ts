import { beforeEach, describe, expect, it } from 'vitest';
import { lookAt, type Looked } from '../../../sources/arrivals/look.ts';
import type { Listing, Place } from '../../../sources/arrivals/place.ts';
import { openUpload } from '../../../sources/arrivals/open-place.ts';
import type { SourceDeps } from '../../../sources/source.ts';
import { computeHere } from '../../../client/commands/pending/looking.ts';
import { paramsSchema } from '../../../pipeline/models/params.ts';
import { storeIn, type Store } from '../../../store/index.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';

/** A look reads what it cannot know otherwise, and nothing else. */

let there: Map<string, { text: string; touched: number }>;
let deps: SourceDeps;
let store: Store;

beforeEach(() => {
  there = new Map();
  store = storeIn(new MemoryBucket());
  deps = { ...({} as SourceDeps), compute: computeHere, store };
});

/** Puts a file into the folder. */
function put(name: string, text: string, touched = 1): void {
  there.set(name, { text, touched });
}

/** A folder that tells files by their length and when they were touched. */
function folder(): Place {
  const list = async (): Promise<Listing> => ({
    files: [...there].map(([name, { text, touched }]) => ({
      name,
      size: text.length,
      stamp: `${text.length}-${touched}`,
    })),
    writing: [],
  });
  return { where: 'in/', list, read: async ({ name }) => Buffer.from(there.get(name)!.text) };
}

/** Looks at a place. @returns what it came to, and the files that were read for it */
async function look(place: Place, data = {}): Promise<Looked & { read: string[] }> {
  const read: string[] = [];
  const counting: Place = {
    ...place,
    read: (file) => {
      read.push(file.name);
      return place.read(file);
    },
  };
  const params = paramsSchema.parse({ data: { source: 'in/', target: 'label', ...data } });
  const { signal } = new AbortController();
  const looked = await lookAt(deps, { pipeline: 'p', params, place: counting, signal });
  return { ...looked, read };
}

/** A folder as a client would upload it. */
async function uploaded(files: Record<string, string>): Promise<Place> {
  const refs = await Promise.all(
    Object.entries(files).map(async ([name, text]) => ({
      ...(await store.artifacts.put(`data/raw/files/${name}`, Buffer.from(text))),
      path: name,
    })),
  );
  return openUpload('in/', await store.artifacts.putDirectory('data/raw/files/', refs), store);
}

const GOOD = 'a,label\n1,x\n2,y\n';
const BAD = 'a,label\n1\n';

describe('a look at a folder that was uploaded', () => {
  it('reads the new files only', async () => {
    const before = { 'a.csv': GOOD, 'b.csv': 'a,label\n3,x\n' };
    expect((await look(await uploaded(before))).read).toEqual(['a.csv', 'b.csv']);
    const { read, arrived } = await look(await uploaded({ ...before, 'c.csv': GOOD }));
    expect({ read, arrived }).toEqual({ read: ['c.csv'], arrived: ['c.csv'] });
  });

  it('names a file that has changed since, and reads no bad one twice', async () => {
    await look(await uploaded({ 'a.csv': GOOD, 'b.csv': BAD }));
    const again = await look(await uploaded({ 'a.csv': 'a,label\n9,x\n', 'b.csv': BAD }));
    expect(again.changed).toEqual([{ name: 'a.csv', batch: 1 }]);
    expect(again.read).toEqual(['a.csv']);
    const repaired = await look(await uploaded({ 'a.csv': GOOD, 'b.csv': GOOD }));
    expect(repaired).toMatchObject({ read: ['b.csv'], arrived: ['b.csv'], quarantined: [] });
  });
});

describe('a file in quarantine', () => {
  it('is not read again while nothing is other than it was, and is named all the same', async () => {
    put('a.csv', GOOD);
    put('b.csv', BAD);
    const first = await look(folder());
    expect(first.read).toEqual(['a.csv', 'b.csv']);
    const second = await look(folder());
    expect(second).toMatchObject({ read: [], quarantined: first.quarantined });
    expect(second.ledger).toEqual(first.ledger);
  });

  it('is read again once it is another, though as long', async () => {
    put('a.csv', GOOD);
    put('b.csv', 'a,label\n1;x\n');
    await look(folder());
    put('b.csv', 'a,label\n1,x\n', 2);
    expect(await look(folder())).toMatchObject({ read: ['b.csv'], arrived: ['b.csv'] });
  });

  it('is read again when the contract is another', async () => {
    put('a.csv', GOOD);
    put('z.csv', 'a,more,label\n1,2,x\n');
    expect((await look(folder())).quarantined).toMatchObject([{ name: 'z.csv' }]);
    const lacking = { on_missing_column: 'adapt' };
    expect(await look(folder(), lacking)).toMatchObject({ read: ['z.csv'], arrived: [] });
    const adding = { on_new_column: 'adapt', ...lacking };
    expect(await look(folder(), adding)).toMatchObject({ read: ['z.csv'], arrived: ['z.csv'] });
    put('q.csv', 'a,more,label\n1,no number,x\n');
    expect((await look(folder(), adding)).quarantined).toMatchObject([{ name: 'q.csv' }]);
    expect((await look(folder(), adding)).read).toEqual([]);
  });

  it('before the first file that can be used is judged by that once, and then known', async () => {
    put('a.csv', BAD);
    put('b.csv', GOOD);
    const first = await look(folder());
    expect((await look(folder())).read).toEqual(['a.csv']);
    const third = await look(folder());
    expect(third.read).toEqual([]);
    expect(third.quarantined[0]!.seen_at).toBe(first.quarantined[0]!.seen_at);
  });
});
