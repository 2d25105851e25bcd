import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Bucket } from '../../store/bucket.ts';
import {
  createDocument,
  MOST_DOCUMENT,
  readDocument,
  swapDocument,
} from '../../store/documents.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
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
  await everyOrder({
    before: async (bucket) => void (await enter('first')(bucket)),
    clients: () => [(bucket) => swapDocument(bucket, 'count.json', COUNT, (now) => now!)],
    after: async (bucket) => expect(await countOf(bucket)).toEqual(['first']),
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
    await expect(swapDocument(bucket, 'count.json', SMALL, () => large)).rejects.toThrow(
      'the document count.json would have 122 bytes, and it may have at most 100: start a new pipeline',
    );
    await expect(createDocument(bucket, 'count.json', most)).rejects.toThrow(
      'and it may have at most 16777216',
    );
    expect(await bucket.get('count.json')).toBeUndefined();
  });
});
