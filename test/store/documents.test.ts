import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Bucket } from '../../store/bucket.ts';
import {
  createDocument,
  decodeDocument,
  MOST_DOCUMENT,
  readDocument,
  swapDocument,
} from '../../store/documents.ts';
import { MemoryBucket, MemoryServer } from '../support/memory-bucket.ts';
import { everyOrder, type Client, type Ended } from '../support/interleavings.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const COUNT = {
  schema: 1,
  shape: z.strictObject({ schema: z.literal(1), by: z.array(z.string()) }),
};

const countOf = async (bucket: Bucket): Promise<string[]> =>
  (await readDocument(bucket, 'count.json', COUNT))?.value.by ?? [];

/** Enters a name by compare-and-swap. */
const enter =
  (name: string): Client =>
  (bucket) =>
    swapDocument(bucket, 'count.json', COUNT, (now) => ({
      schema: 1 as const,
      by: [...(now?.by ?? []), name],
    }));

const KEPT = {
  bytes: Buffer.from('{"by":["other"],"schema":1}'),
  sha256: undefined,
  ours: true,
  modified: new Date(0),
};

/** A bucket that notes the key of each put, after something was done on its server. */
function countingPuts(before?: (server: MemoryServer, key: string) => void) {
  const puts: string[] = [];
  const server = new MemoryServer();
  const bucket = new MemoryBucket(server, {
    around: ({ verb, key }, act) => {
      if (verb === 'put') {
        puts.push(key);
        before?.(server, key);
      }
      return act();
    },
  });
  return { bucket, puts };
}

const done = (ended: Ended[]): number[] =>
  ended.flatMap(({ status }, i) => (status === 'done' ? [i] : []));

describe('in every order of their requests', () => {
  it('three clients that change a document lose no change, and two also where one crashes', async () => {
    const names = ['a', 'b', 'c'];
    const clients = (count: number) => ({ clients: () => names.slice(0, count).map(enter) });
    const runs = await everyOrder({
      ...clients(3),
      after: async (bucket, ended) => {
        expect(done(ended)).toEqual([0, 1, 2]);
        expect((await countOf(bucket)).toSorted()).toEqual(names);
      },
    });
    expect(runs).toBeGreaterThan(200);
    await everyOrder({
      ...clients(2),
      crashes: 1,
      after: async (bucket, ended) => {
        const entered = await countOf(bucket);
        expect(new Set(entered).size).toBe(entered.length);
        expect(entered).toEqual(expect.arrayContaining(done(ended).map((i) => names[i])));
      },
    });
  });

  it('a document is created by one of three clients, whose value is there', async () => {
    const values = ['a', 'b', 'c'];
    await everyOrder({
      clients: () =>
        values.map(
          (value): Client =>
            (bucket) =>
              createDocument(bucket, 'count.json', { schema: 1, by: [value] }),
        ),
      crashes: 1,
      after: async (bucket, ended) => {
        const created = ended.flatMap((end, i) =>
          end.status === 'done' && end.value === true ? [values[i]] : [],
        );
        expect(created.length).toBeLessThanOrEqual(1);
        const hasCrashed = ended.some(({ status }) => status === 'crashed');
        expect(created.length === 1 || hasCrashed).toBe(true);
        const there = await countOf(bucket);
        expect(there).toEqual(created.length === 1 ? created : there.slice(0, 1));
      },
    });
  });
});

it('a change that changes nothing writes nothing', async () => {
  const { bucket, puts } = countingPuts();
  await enter('first')(bucket);
  await swapDocument(bucket, 'count.json', COUNT, (now) => now!);
  expect(await countOf(bucket)).toEqual(['first']);
  expect(puts).toEqual(['count.json']);
});

describe('a document that others change each time', () => {
  /** A bucket in which another client is first before each of the first writes. */
  function contested(times: number) {
    let contests = 0;
    return countingPuts((server, key) => {
      if (contests++ < times) server.ensured().set(key, { ...KEPT, etag: `"${contests}"` });
    });
  }

  it('is unavailable after 50 tries, each of which waits up to half a second', async () => {
    const { bucket, puts } = contested(Infinity);
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    vi.spyOn(Math, 'random').mockReturnValue(1);
    try {
      await expect(enter('late')(bucket)).rejects.toThrow(
        expect.objectContaining({
          name: 'StorageUnavailable',
          message: expect.stringMatching(/^count\.json was changed by others 50 times while/),
        }),
      );
      // 20 ms more for each try, up to 500 ms.
      expect(Date.now()).toBe(25 * 26 * 10 + 25 * 500);
    } finally {
      vi.restoreAllMocks();
      vi.useRealTimers();
    }
    expect(puts).toHaveLength(50);
  });

  it('is changed by the fiftieth try', async () => {
    const { bucket, puts } = contested(49);
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await enter('late')(bucket);
    } finally {
      vi.useRealTimers();
    }
    expect(puts).toHaveLength(50);
    expect(await countOf(bucket)).toEqual(['other', 'late']);
  });
});

describe('a document that is too large', () => {
  const SMALL = { ...COUNT, most: 100 };
  const large = { schema: 1 as const, by: ['x'.repeat(100)] };

  it('is not read, whichever program wrote it, and names its key', async () => {
    const bucket = new MemoryBucket();
    await createDocument(bucket, 'count.json', large);
    for (const read of [
      () => readDocument(bucket, 'count.json', SMALL),
      () => swapDocument(bucket, 'count.json', SMALL, (now) => now!),
    ])
      await expect(read()).rejects.toMatchObject({
        name: 'DamagedArtifact',
        message: expect.stringMatching(
          /^the object count\.json has 122 bytes, and at most 100 can belong there/,
        ),
        details: { key: 'count.json' },
      });
    expect((await readDocument(bucket, 'count.json', COUNT))?.value).toEqual(large);
  });

  it('is not written, because it could not be read again', async () => {
    const bucket = new MemoryBucket();
    const most = { schema: 1 as const, by: ['x'.repeat(MOST_DOCUMENT)] };
    await expect(swapDocument(bucket, 'count.json', SMALL, () => large)).rejects.toMatchObject({
      name: 'BadData',
      message: expect.stringMatching(
        /^the document count\.json would have 122 bytes, and it may have at most 100: start a new pipeline/,
      ),
      details: { key: 'count.json' },
    });
    await expect(createDocument(bucket, 'count.json', most)).rejects.toThrow(
      'and it may have at most 16777216',
    );
    expect(await bucket.get('count.json')).toBeUndefined();
  });

  it('by no byte is written and read', async () => {
    const bucket = new MemoryBucket();
    const exact = { ...COUNT, most: 122 };
    await swapDocument(bucket, 'count.json', exact, () => large);
    expect((await readDocument(bucket, 'count.json', exact))?.value).toEqual(large);
  });
});

describe('the bytes of a document', () => {
  const NEW = {
    schema: 3,
    shape: z.strictObject({ schema: z.literal(3), names: z.array(z.string()) }),
    upgrades: {
      1: ({ by }: Record<string, unknown>) => ({ name: by }),
      2: ({ name }: Record<string, unknown>) => ({ names: [name] }),
    },
    repair: 'delete it',
  };
  const decode = (json: unknown) =>
    decodeDocument('a.json', Buffer.from(JSON.stringify(json)), NEW);

  it('of any older schema are upgraded number by number', () => {
    const upgraded = { schema: 3, names: ['ann'] };
    expect(decode({ schema: 1, by: 'ann' })).toEqual(upgraded);
    expect(decode({ schema: 2, name: 'ann' })).toEqual(upgraded);
    expect(decode(upgraded)).toEqual(upgraded);
  });

  it.each<[string, unknown, string, object]>([
    [
      'that a newer program wrote',
      { schema: 4 },
      'the stored document a.json has schema 4, newer than this program knows (3): update the program',
      { key: 'a.json', newer: true },
    ],
    [
      'of a schema without an upgrade',
      { schema: 0, names: [] },
      'the stored document a.json has been changed by hand or damaged (schema: expected 3): delete it',
      { key: 'a.json' },
    ],
    [
      'without a schema',
      { names: [] },
      'the stored document a.json has been changed by hand or damaged (schema: expected 3): delete it',
      { key: 'a.json' },
    ],
    [
      'with a part of another type',
      { schema: 3, names: ['ann', 7] },
      'the stored document a.json has been changed by hand or damaged (names.1: expected text): delete it',
      { key: 'a.json' },
    ],
    [
      'that are only null',
      null,
      'the stored document a.json has been changed by hand or damaged (the document: expected keys with values): delete it',
      { key: 'a.json' },
    ],
  ])('%s are refused, with the place and the way to repair it', (_, json, message, details) => {
    const refusal = expect.objectContaining({ name: 'DamagedArtifact', message, details });
    expect(() => decode(json)).toThrow(refusal);
  });

  it('of a kind without upgrades are refused where they are older', () => {
    const { upgrades: _, ...shape } = NEW;
    expect(() => decodeDocument('a.json', Buffer.from('{"schema":1}'), shape)).toThrow(
      expect.objectContaining({ name: 'DamagedArtifact' }),
    );
  });

  it('that are no JSON are refused, with the reason', () => {
    const { repair: _, ...shape } = NEW;
    expect(() => decodeDocument('a.json', Buffer.from('{'), shape)).toThrow(
      expect.objectContaining({
        name: 'DamagedArtifact',
        message: expect.stringMatching(
          /^the stored document a\.json is not JSON \(.+\): restore it from a backup$/,
        ),
        details: { key: 'a.json' },
        cause: expect.any(SyntaxError),
      }),
    );
  });
});
