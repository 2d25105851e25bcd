import { expect, it } from 'vitest';
import type { Bucket } from '../../store/s3/bucket.ts';
import { refOf } from '../../store/hash.ts';
import { Leases } from '../../store/leases.ts';
import { memoryBucket } from '../support/memory-bucket.ts';

const ref = refOf('data/raw/a.csv', Buffer.from('rows'));
const HOUR = 3_600_000;

/** A bucket in memory that lists and deletes, with how many of its objects were read at once. */
function listing(ages: Map<string, number>): Bucket & { keys: () => string[]; most: () => number } {
  const memory = memoryBucket();
  let [reading, most] = [0, 0];
  const own: Partial<Bucket> = {
    put: async (key, bytes, options) => {
      if (!ages.has(key)) ages.set(key, 0);
      return memory.put(key, bytes, options);
    },
    get: async (key) => {
      most = Math.max(most, ++reading);
      await new Promise((resolve) => setImmediate(resolve));
      reading--;
      return memory.get(key);
    },
    list: async function* (prefix) {
      for (const [key, age] of ages)
        if (key.startsWith(prefix))
          yield { key, size: 1, modified: new Date(Date.now() - age * HOUR) };
    },
    delete: async (key) => void ages.delete(key),
  };
  return Object.assign({}, memory, own, { keys: () => [...ages.keys()], most: () => most });
}

it('an upload drops the leases of those before it that have run out, of its pipeline only', async () => {
  const old = ['leases/p/upload-old.json', 'leases/p/upload-older.json'];
  const kept = [
    'leases/p/upload-new.json',
    'leases/p/p-batch-1-run-0.json',
    'leases/q/upload-old.json',
  ];
  const bucket = listing(
    new Map([
      [old[0]!, 26],
      [old[1]!, 900],
      [kept[0]!, 23],
      [kept[1]!, 900],
      [kept[2]!, 900],
    ]),
  );
  await new Leases(bucket).holdUpload('p', [ref]);
  const own = bucket.keys().filter((key) => !kept.includes(key));
  expect(own).toEqual([expect.stringMatching(/^leases\/p\/upload-[0-9a-f-]{36}\.json$/)]);
  expect(bucket.keys()).toHaveLength(4);
});

it('leases are read many at once', async () => {
  const bucket = listing(new Map());
  const leases = new Leases(bucket);
  for (let i = 0; i < 40; i++) await leases.holdUpload('p', [ref]);
  expect(bucket.most()).toBe(1);
  expect((await leases.list()).size).toBe(40);
  expect(bucket.most()).toBe(16);
});
