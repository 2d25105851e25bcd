import { beforeEach, describe, expect, it } from 'vitest';
import { describeLook, lookAt, type Looked } from '../../../sources/arrivals/look.ts';
import { MOST_BYTES, type Listing, type Place } from '../../../sources/arrivals/place.ts';
import { openUpload } from '../../../sources/arrivals/open-place.ts';
import { conformInput } from '../../../sources/arrivals/take-in.ts';
import type { SourceDeps } from '../../../sources/source.ts';
import { computeHere } from '../../../client/commands/pending/looking.ts';
import { paramsSchema } from '../../../pipeline/models/params.ts';
import { columnsAt } from '../../../store/ledger/ledger.ts';
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
async function look(place: Place, data = {}, arrivals = {}): Promise<Looked & { read: string[] }> {
  const read: string[] = [];
  const counting: Place = {
    ...place,
    read: (file) => {
      read.push(file.name);
      return place.read(file);
    },
  };
  const params = paramsSchema.parse({
    data: { source: 'in/', target: 'label', ...data },
    arrivals,
  });
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
    expect(again.changed).toEqual([{ name: 'a.csv', batch: 1, isCut: false }]);
    expect(again.read).toEqual(['a.csv']);
    const repaired = await look(await uploaded({ 'a.csv': GOOD, 'b.csv': GOOD }));
    expect(repaired).toMatchObject({ read: ['b.csv'], arrived: ['b.csv'], quarantined: [] });
  });
});

describe('a look at a folder', () => {
  it('takes the new files in the order of their names, and those of a later look after them', async () => {
    for (const name of ['b.csv', '😀.csv', '\uffff.csv', 'a.csv'])
      put(name, `a,label\n1,${name}\n`);
    const first = ['a.csv', 'b.csv', '\uffff.csv', '😀.csv'];
    expect((await look(folder())).arrived).toEqual(first);
    put('0.csv', GOOD);
    const { arrived, ledger } = await look(folder());
    expect(arrived).toEqual(['0.csv']);
    expect(ledger!.arrivals.map(({ name }) => name)).toEqual([...first, '0.csv']);
  });

  it('takes more files than are entered together', async () => {
    const names = Array.from({ length: 45 }, (_, i) => `${10 + i}.csv`);
    for (const name of names) put(name, `a,label\n1,${name}\n`);
    const { arrived, ledger } = await look(folder());
    expect(arrived).toEqual(names);
    expect(ledger!.arrivals.map(({ name }) => name)).toEqual(names);
  });

  it('leaves a file that is still being written to a later look, and says so', async () => {
    for (const name of ['b.csv', 'a.csv', 'c.csv']) put(name, `a,label\n1,${name}\n`);
    const place = folder();
    const read: Place['read'] = async (file) =>
      file.name === 'c.csv' ? place.read(file) : undefined;
    const looked = await look({ ...place, read });
    expect(looked).toMatchObject({ arrived: ['c.csv'], writing: ['a.csv', 'b.csv'] });
    expect(describeLook(looked, 'in/')).toEqual([
      'a.csv, b.csv in in/ is still being written: a later look reads it',
    ]);
    expect(await look(place)).toMatchObject({ arrived: ['a.csv', 'b.csv'], writing: [] });
  });

  it('quarantines a file that is too large or empty, and does not read it', async () => {
    put('a.csv', GOOD);
    put('large.csv', GOOD);
    put('none.csv', '');
    const place = folder();
    const list = async (): Promise<Listing> => {
      const { files, writing } = await place.list();
      const size = MOST_BYTES + 1;
      return {
        files: files.map((file) => (file.name === 'large.csv' ? { ...file, size } : file)),
        writing,
      };
    };
    const { read, quarantined } = await look({ ...place, list });
    expect(read).toEqual(['a.csv']);
    expect(quarantined).toMatchObject([
      {
        name: 'large.csv',
        reason: 'it has 1000000001 bytes, and the most is 1000000000: split it',
      },
      { name: 'none.csv', reason: 'it is empty: it needs a header and at least one row' },
    ]);
  });
});

/** Cuts batch 1 from its file, as prepare_batch does. */
async function cutFirst({ ledger }: Looked, text: string): Promise<void> {
  const { settings, arrivals } = ledger!;
  const params = paramsSchema.parse({ data: { source: 'in/', target: 'label' } });
  const input = conformInput('a.csv', Buffer.from(text), settings, params, columnsAt(ledger!, 1));
  const { bytes } = await deps.compute('conformBatch', input, new AbortController().signal);
  const ref = await store.artifacts.put('data/batches/batch_1.csv', bytes);
  const batch = { batch: 1, rows: 2, ref, raw: arrivals[0]!.raw, from: null };
  await store.ledgers.append('p', settings, [batch]);
}

const AMEND = 'run "npx retrain amend 1 --pipeline p --source" with that file';
const CUT_FIRST = AMEND.replace(
  'run',
  'run "npx retrain stage prepare_batch 1 --pipeline p" and then',
);

describe.each([
  ['not cut yet', false, CUT_FIRST],
  ['cut', true, AMEND],
])('a known file of a folder whose batch is %s', (_state, isCut, advice) => {
  const amended = [{ name: 'a.csv', batch: 1, isCut }];

  beforeEach(async () => {
    put('a.csv', GOOD);
    const first = await look(folder());
    if (isCut) await cutFirst(first, GOOD);
  });

  it.each<[how: string, text: string, expected: object[]]>([
    ['is touched', GOOD, []],
    // Without a batch, only its bytes can be compared.
    ['has other line breaks', GOOD.replaceAll('\n', '\r\n'), isCut ? [] : amended],
    ['has another value', GOOD.replace('1', '9'), amended],
    ['can be no batch any more', BAD, amended],
  ])('that %s is read, and named if it is another', async (_, text, changed) => {
    put('a.csv', text, 2);
    expect(await look(folder())).toMatchObject({
      read: ['a.csv'],
      arrived: [],
      quarantined: [],
      changed,
    });
  });

  it('that is as it was is not read', async () => {
    expect(await look(folder())).toMatchObject({ read: [], changed: [] });
  });

  it('that is being written again is left to a later look', async () => {
    put('a.csv', GOOD.replace('1', '9'), 2);
    const writing = { ...folder(), read: async () => undefined };
    expect((await look(writing)).changed).toEqual([]);
    const later = await look(folder());
    expect(later.changed).toEqual(amended);
    expect(describeLook(later, 'in/')).toEqual([expect.stringContaining(advice)]);
  });
});

describe('a file with the bytes of another', () => {
  const copies = { 'a.csv': GOOD, 'b.csv': 'a,label\n3,x\n', 'copy of a.csv': GOOD };

  it('is a batch, or is quarantined', async () => {
    const taken = await look(await uploaded(copies));
    expect(taken).toMatchObject({ arrived: Object.keys(copies), quarantined: [] });
    store = storeIn(new MemoryBucket());
    deps = { ...deps, store };
    const refused = await look(await uploaded(copies), {}, { on_duplicate: 'quarantine' });
    expect(refused).toMatchObject({
      arrived: ['a.csv', 'b.csv'],
      quarantined: [
        {
          name: 'copy of a.csv',
          reason:
            'it has the same bytes as a.csv, batch 1: remove it, or set arrivals.on_duplicate=warn to use it',
        },
      ],
    });
    const later = await look(await uploaded(copies), {}, { on_duplicate: 'warn' });
    expect(later.arrived).toEqual(['copy of a.csv']);
  });
});

describe('the columns of later files', () => {
  it('are matched by name, and by position if asked', async () => {
    put('a.csv', 'a,b,label\n1,u,x\n2,v,y\n');
    put('b.csv', 'label,b,a\nx,u,3\n');
    expect(await look(folder())).toMatchObject({ arrived: ['a.csv', 'b.csv'], quarantined: [] });
    put('c.csv', 'A,B,Label\n4,u,x\n');
    expect((await look(folder())).quarantined).toMatchObject([{ name: 'c.csv' }]);
    put('d.csv', 'label,b,a\nx,u,5\n');
    const { arrived, quarantined } = await look(folder(), { columns_by: 'position' });
    expect(arrived).toEqual(['c.csv']);
    expect(quarantined).toMatchObject([
      {
        name: 'd.csv',
        reason: expect.stringContaining('column "a": "x" is not a number') as string,
      },
    ]);
  });

  it('may come and go once a file has brought them', async () => {
    put('a.csv', GOOD);
    put('b.csv', 'a,stray,label\n3,7,x\n');
    put('c.csv', GOOD.replace('1', '4'));
    put('d.csv', 'stray,a,label\n8,5,y\n');
    const { ledger, arrived, quarantined } = await look(folder(), { on_new_column: 'adapt' });
    expect(quarantined).toEqual([]);
    expect(arrived).toEqual(['a.csv', 'b.csv', 'c.csv', 'd.csv']);
    expect(ledger!.added_columns).toEqual([{ name: 'stray', type: 'number', since: 2 }]);
  });

  it('have a type from the first file with a value in them', async () => {
    put('a.csv', 'a,z,w,label\n1,,,x\n2,NA,,y\n');
    put('b.csv', 'a,z,w,label\n3,7,,x\n');
    put('c.csv', 'a,z,w,label\n3,8,2024-01-01,x\n');
    put('d.csv', 'a,label\n3,x\n');
    put('e.csv', 'a,z,w,label\n3,eight,,x\n');
    const { ledger, quarantined } = await look(folder());
    expect(ledger!.settings.columns).toEqual([
      { name: 'a', type: 'number' },
      { name: 'z', type: 'ignore', open: true },
      { name: 'w', type: 'ignore', open: true },
      { name: 'label', type: 'category' },
    ]);
    expect(ledger!.added_columns).toEqual([
      { name: 'z', type: 'number', since: 2 },
      { name: 'w', type: 'date', since: 3 },
    ]);
    expect(columnsAt(ledger!, 2).map(({ type }) => type)).toEqual([
      'number',
      'number',
      'ignore',
      'category',
    ]);
    expect(quarantined).toMatchObject([
      { name: 'e.csv', reason: expect.stringContaining('"eight" is not a number') as string },
    ]);
  });
});

describe('a look in sentences', () => {
  it('names all files in quarantine', async () => {
    put('a.csv', GOOD);
    for (let i = 10; i < 40; i++) put(`bad ${i}.csv`, BAD);
    const sentences = describeLook(await look(folder()), 'in/');
    expect(sentences).toHaveLength(21);
    for (let i = 10; i < 40; i++) expect(sentences.join('\n')).toContain(`bad ${i}.csv`);
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

  it('is read again when a file after it has brought a column', async () => {
    put('a.csv', GOOD);
    put('b.csv', BAD);
    put('c.csv', 'a,more,label\n1,2,x\n');
    const adding = { on_new_column: 'adapt' };
    expect((await look(folder(), adding)).arrived).toEqual(['a.csv', 'c.csv']);
    expect((await look(folder(), adding)).read).toEqual(['b.csv']);
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

it('the reason for a quarantined file does not repeat its name', async () => {
  put('a.csv', 'x,label\n1,p\n');
  put('b.csv', 'x;label\n1;p\n');
  put('c.csv', 'x,label\n1\n');
  const { quarantined } = await look(folder());
  expect(quarantined.map(({ name, reason }) => [name, reason.split(/[:,]/, 1)[0]])).toEqual([
    ['b.csv', 'it has a single column'],
    ['c.csv', 'line 2'],
  ]);
});
