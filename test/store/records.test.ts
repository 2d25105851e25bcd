import { describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../store/bucket.ts';
import { Records } from '../../store/records.ts';
import { everyOrder, type Client } from '../support/interleavings.ts';
import { draftRecord } from './made-records.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const publish =
  (build: string): Client =>
  (bucket) =>
    new Records(bucket).publish(draftRecord({ build }));

/** The builds of version 1 by their number, from 1: undefined where one has no record. */
async function buildsIn(bucket: Bucket): Promise<(string | undefined)[]> {
  const builds: (string | undefined)[] = [];
  for (let seq = 1; seq <= 4; seq++)
    builds.push((await new Records(bucket).read('p', 1, seq))?.build);
  return builds;
}

/** What is latest is one thing: pointer, record and index agree. */
async function expectOneLatest(bucket: Bucket): Promise<void> {
  const records = new Records(bucket);
  const { seq } = await records.latest('p', 1);
  expect((await records.list('p')).map((line) => [line.version, line.seq])).toEqual([[1, seq]]);
}

describe('in every order of their requests', () => {
  it('two builds get a number each, and one is the latest everywhere', async () => {
    const runs = await everyOrder({
      clients: () => [publish('a'), publish('b')],
      after: async (bucket, ended) => {
        expect(ended.map(({ status }) => status)).toEqual(['done', 'done']);
        const [first, second, ...more] = await buildsIn(bucket);
        expect(new Set([first, second])).toEqual(new Set(['a', 'b']));
        expect(more).toEqual([undefined, undefined]);
        await expectOneLatest(bucket);
      },
      switches: 3,
    });
    expect(runs).toBeGreaterThan(300);
  });

  it('the same build published twice is one record', async () => {
    await everyOrder({
      clients: () => [publish('a'), publish('a')],
      after: async (bucket) => {
        expect(await buildsIn(bucket)).toEqual(['a', undefined, undefined, undefined]);
        await expectOneLatest(bucket);
      },
      switches: 3,
    });
  });

  it('a crash leaves nothing that the next try does not complete', async () => {
    await everyOrder({
      before: async (bucket) => void (await publish('before')(bucket)),
      clients: () => [publish('a'), publish('b')],
      crashes: 1,
      switches: 1,
      after: async (bucket) => {
        // What is called the latest now has a record.
        const { build } = await new Records(bucket).latest('p', 1);
        expect(['before', 'a', 'b']).toContain(build);
        await publish('a')(bucket);
        const builds = await buildsIn(bucket);
        expect(builds[0]).toBe('before');
        expect(builds.filter((one) => one === 'a')).toHaveLength(1);
        expect((await new Records(bucket).latest('p', 1)).build).toBe('a');
        await expectOneLatest(bucket);
      },
    });
  });
});
