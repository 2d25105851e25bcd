import { expect, it, onTestFinished, vi } from 'vitest';
import { refOf, sha256 } from '../../store/hash.ts';
import { Leases } from '../../store/leases.ts';
import { MemoryBucket, MemoryServer, type Around } from '../support/memory-bucket.ts';

const ref = refOf('data/raw/a.csv', Buffer.from('rows'));
const HOUR = 3_600_000;

/** A bucket that holds leases of these ages in hours, by key. */
async function holding(ages: Record<string, number>): Promise<MemoryBucket> {
  const bucket = new MemoryBucket();
  for (const [key, age] of Object.entries(ages)) {
    bucket.server.now = () => new Date(Date.now() - age * HOUR);
    await bucket.put(key, Buffer.from('{}'), { sha256: sha256('{}') });
  }
  bucket.server.now = () => new Date();
  return bucket;
}

it('an upload drops the leases of those before it that have run out, of its pipeline only', async () => {
  const old = ['leases/p/upload-old.json', 'leases/p/upload-older.json'];
  const kept = [
    'leases/p/upload-new.json',
    'leases/p/p-batch-1-run-0.json',
    'leases/q/upload-old.json',
  ];
  const bucket = await holding({
    [old[0]!]: 26,
    [old[1]!]: 900,
    [kept[0]!]: 24.5,
    [kept[1]!]: 900,
    [kept[2]!]: 900,
  });
  await new Leases(bucket).holdUpload('p', [ref]);
  const keys = [...bucket.server.objects!.keys()];
  const own = keys.filter((key) => !kept.includes(key));
  expect(own).toEqual([expect.stringMatching(/^leases\/p\/upload-[0-9a-f-]{36}\.json$/)]);
  expect(keys).toHaveLength(4);
});

it('a run that is released loses the lease of a killed worker too, and no other run does', async () => {
  const bucket = new MemoryBucket();
  const run = { pipeline: 'p', namespace: 'default', workflowId: 'p-promotion', runId: 'r1' };
  const [killed, next] = [new Leases(bucket), new Leases(bucket)];
  await killed.take(run);
  await killed.take({ ...run, runId: 'r2' });
  await next.take(run);
  expect((await next.list()).size).toBe(3);
  await next.releaseAll(run);
  const left = [...(await next.list()).values()];
  expect(left.map((lease) => lease.run?.run_id)).toEqual(['r2']);
  await next.take(run);
  expect((await next.list()).size).toBe(2);
});

it('a lease is renewed when it is an hour old, and costs no request before', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-01-01T00:00:00.000Z') });
  onTestFinished(() => void vi.useRealTimers());
  let requests = 0;
  const around: Around = (_, act) => {
    requests++;
    return act();
  };
  const leases = new Leases(new MemoryBucket(new MemoryServer(), { around }));
  const run = { pipeline: 'p', namespace: 'default', workflowId: 'w', runId: 'r' };
  const takeAt = async (time: string): Promise<number> => {
    vi.setSystemTime(new Date(`2026-01-01T${time}.000Z`));
    requests = 0;
    await leases.take(run);
    return requests;
  };
  expect(await takeAt('00:00:00')).toBeGreaterThan(0);
  expect(await takeAt('00:59:00')).toBe(0);
  expect(await takeAt('01:01:00')).toBe(1);
  const [lease] = [...(await leases.list()).values()];
  expect(lease!.renewed_at).toBe('2026-01-01T01:01:00.000Z');
  expect(await takeAt('02:00:00')).toBe(0);
});

it('leases are read many at once', async () => {
  let [reading, most] = [0, 0];
  const around: Around = async ({ verb }, act) => {
    if (verb !== 'get') return act();
    most = Math.max(most, ++reading);
    await new Promise((resolve) => setImmediate(resolve));
    reading--;
    return act();
  };
  const leases = new Leases(new MemoryBucket(new MemoryServer(), { around }));
  for (let i = 0; i < 40; i++) await leases.holdUpload('p', [ref]);
  expect(most).toBe(1);
  expect((await leases.list()).size).toBe(40);
  expect(most).toBe(16);
});
