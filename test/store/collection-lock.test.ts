import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Conflict } from '../../contract/failures.ts';
import { refOf } from '../../store/hash.ts';
import { CollectionLock } from '../../store/collection-lock.ts';
import { Leases, type RunOf } from '../../store/leases.ts';
import { MemoryBucket, type Around } from '../support/memory-bucket.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const START = Date.parse('2026-01-02T02:00:00.000Z');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let around: Around;
let bucket: MemoryBucket;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'], now: START });
  around = (_, act) => act();
  bucket = new MemoryBucket(undefined, { around: (request, act) => around(request, act) });
});
afterEach(() => vi.useRealTimers());

/** Until the requests of a timer have been answered. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the collection lock', () => {
  it('is free until a collection acquires it, and after its release', async () => {
    const lock = new CollectionLock(bucket);
    expect(await lock.isHeld()).toBe(false);
    const held = await lock.acquire();
    expect(await lock.isHeld()).toBe(true);
    expect(await new CollectionLock(bucket).isHeld()).toBe(true);
    await held.release();
    expect(await lock.isHeld()).toBe(false);
  });

  it('is held by one collection at a time', async () => {
    const held = await new CollectionLock(bucket).acquire();
    await expect(new CollectionLock(bucket).acquire()).rejects.toThrow(Conflict);
    // The one that was refused has not opened it.
    expect(await new CollectionLock(bucket).isHeld()).toBe(true);
    await expect(new CollectionLock(bucket).acquire()).rejects.toThrow(Conflict);
    await held.release();
    const next = await new CollectionLock(bucket).acquire();
    // The one before does not open what is not its own.
    await held.release();
    expect(await new CollectionLock(bucket).isHeld()).toBe(true);
    await next.release();
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
  });

  it('expires five minutes after its collection has died', async () => {
    const lock = new CollectionLock(bucket);
    await lock.acquire();
    vi.clearAllTimers();
    vi.setSystemTime(START + 5 * MINUTE - 1);
    expect(await lock.isHeld()).toBe(true);
    vi.setSystemTime(START + 5 * MINUTE);
    expect(await lock.isHeld()).toBe(false);
    await new CollectionLock(bucket).acquire();
  });

  it('stays held while its collection lives', async () => {
    const held = await new CollectionLock(bucket).acquire();
    for (let minute = 0; minute < 20; minute++) {
      vi.advanceTimersByTime(MINUTE / 3);
      await settled();
    }
    expect(await new CollectionLock(bucket).isHeld()).toBe(true);
    held.assertHeld();
    await held.release();
    vi.advanceTimersByTime(MINUTE);
    await settled();
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
  });

  it('permits no removal a minute after the last renewal that succeeded', async () => {
    const held = await new CollectionLock(bucket).acquire();
    around = () => Promise.reject(new Error('the store does not answer'));
    for (let third = 0; third < 3; third++) {
      held.assertHeld();
      vi.advanceTimersByTime(MINUTE / 3);
      await settled();
    }
    expect(() => held.assertHeld()).toThrow(Conflict);
    expect(() => held.assertHeld()).toThrow(/gc has stopped/);
  });

  it('is not acquired again by a late renewal after it has expired', async () => {
    const held = await new CollectionLock(bucket).acquire();
    vi.setSystemTime(START + 6 * MINUTE);
    vi.advanceTimersByTime(MINUTE / 3);
    await settled();
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
    expect(() => held.assertHeld()).toThrow(Conflict);
  });

  it('is held where the answer to the request that acquired it was lost', async () => {
    let lost = 0;
    around = ({ verb }, act) => {
      const answer = act();
      // A client that has no answer asks again, and finds another ETag than before: its own.
      return verb === 'put' && lost++ === 0 ? (undefined as typeof answer) : answer;
    };
    const held = await new CollectionLock(bucket).acquire();
    held.assertHeld();
    await expect(new CollectionLock(bucket).acquire()).rejects.toThrow(Conflict);
    await held.release();
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
  });

  it('is waited for, with a sign of life every half second', async () => {
    const lock = new CollectionLock(bucket);
    await lock.acquire();
    vi.clearAllTimers();
    const waiting = vi.fn<() => void>();
    await lock.waitUntilFree(undefined, waiting);
    expect(waiting).toHaveBeenCalledTimes(600);
    await lock.acquire();
    vi.clearAllTimers();
    await lock.waitUntilFree();
    expect(await lock.isHeld()).toBe(false);
  });

  it('asks nothing of the store after its release', async () => {
    const held = await new CollectionLock(bucket).acquire();
    await held.release();
    const asked = vi.spyOn(bucket, 'get');
    vi.advanceTimersByTime(MINUTE);
    await settled();
    expect(asked).not.toHaveBeenCalled();
  });

  it('is lost where a person deletes its document, and a renewal does not take it again', async () => {
    const held = await new CollectionLock(bucket).acquire();
    await bucket.delete('leases/gate.json');
    held.assertHeld();
    vi.advanceTimersByTime(MINUTE / 3);
    await settled();
    expect(() => held.assertHeld()).toThrow(Conflict);
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
    await bucket.delete('leases/gate.json');
    await held.release();
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
  });
});

it('a wait for the collection lock ends where the activity that waits is cancelled', async () => {
  await new CollectionLock(bucket).acquire();
  vi.clearAllTimers();
  const cancelling = new AbortController();
  const waits = vi.fn<() => void>(() => {
    if (waits.mock.calls.length === 3) cancelling.abort(new Error('cancelled'));
  });
  const run: RunOf = { pipeline: 'p', namespace: 'n', workflowId: 'w', runId: 'r' };
  const leases = new Leases(bucket);
  const taken = leases.take(run, { signal: cancelling.signal, waiting: waits });
  await expect(taken).rejects.toThrow('cancelled');
  expect(waits).toHaveBeenCalledTimes(3);
  expect((await leases.list()).size).toBe(0);
  // The next activity of the run takes the lease.
  vi.setSystemTime(START + 5 * MINUTE);
  await leases.take(run);
  expect((await leases.list()).size).toBe(1);
});

describe('the lease of a run', () => {
  const run: RunOf = { pipeline: 'p', namespace: 'n', workflowId: 'p/batch 1', runId: 'r' };
  const renewals = async () =>
    [...(await new Leases(bucket).list()).values()].map(
      ({ renewed_at }) => Date.parse(renewed_at) - START,
    );

  it('names the run and everything in the bucket, for longer than a stage may take', async () => {
    const leases = new Leases(bucket);
    await leases.take(run);
    const [[key, lease]] = [...(await leases.list())] as [[string, unknown]];
    expect(key).toMatch(/^leases\/p\/p_batch_1-r-[0-9a-f]{8}\.json$/);
    expect(lease).toEqual({
      schema: 1,
      pipeline: 'p',
      run: { namespace: 'n', workflow_id: 'p/batch 1', run_id: 'r' },
      refs: null,
      renewed_at: new Date(START).toISOString(),
      expires_at: new Date(START + 26 * HOUR).toISOString(),
    });
    await leases.release(run);
    expect((await leases.list()).size).toBe(0);
  });

  it('costs no request for an hour, and is renewed after that', async () => {
    const leases = new Leases(bucket);
    await leases.take(run);
    const puts = vi.spyOn(bucket, 'put');
    vi.setSystemTime(START + HOUR);
    await leases.take(run);
    expect(puts).not.toHaveBeenCalled();
    vi.setSystemTime(START + HOUR + 1);
    await leases.take(run);
    await leases.take(run);
    expect(puts).toHaveBeenCalledTimes(1);
    expect(await renewals()).toEqual([HOUR + 1]);
  });

  it('costs no request while those of other runs are taken, also where they are old', async () => {
    const leases = new Leases(bucket);
    const puts = vi.spyOn(bucket, 'put');
    for (const hours of [0, 1, 27]) {
      vi.setSystemTime(START + hours * HOUR);
      for (const runId of [`a ${hours}`, `b ${hours}`, `a ${hours}`, `b ${hours}`])
        await leases.take({ ...run, runId });
    }
    expect(puts).toHaveBeenCalledTimes(6);
  });

  it('is of each process, so that none withdraws that of another', async () => {
    const [one, other] = [new Leases(bucket), new Leases(bucket)];
    await one.take(run);
    await other.take(run);
    await one.release(run);
    expect((await other.list()).size).toBe(1);
  });

  it('is taken again after it was given back', async () => {
    const leases = new Leases(bucket);
    await leases.take(run);
    await leases.release(run);
    await leases.take(run);
    expect((await leases.list()).size).toBe(1);
  });

  it('is taken once by activities that start together', async () => {
    const leases = new Leases(bucket);
    const puts = vi.spyOn(bucket, 'put');
    await Promise.all([leases.take(run), leases.take(run), leases.take(run)]);
    expect(puts).toHaveBeenCalledTimes(1);
  });

  it('is taken by the other activities where the first one fails', async () => {
    const leases = new Leases(bucket);
    let failures = 1;
    around = ({ verb }, act) => {
      if (verb === 'put' && failures-- > 0) throw new Error('cancelled');
      return act();
    };
    const taken = await Promise.allSettled([leases.take(run), leases.take(run), leases.take(run)]);
    expect(taken.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect((await leases.list()).size).toBe(1);
  });

  it('waits, and is not there, while a collection runs', async () => {
    await new CollectionLock(bucket).acquire();
    vi.clearAllTimers();
    const waiting = vi.fn<() => void>();
    await new Leases(bucket).take(run, { waiting });
    expect(waiting).toHaveBeenCalled();
    expect(await renewals()).toEqual([0]);
    expect(await new CollectionLock(bucket).isHeld()).toBe(false);
  });
});

it('the lease of an upload names its file, for a day, and no run', async () => {
  const ref = refOf('data/raw/a.csv', Buffer.from('rows'));
  const leases = new Leases(bucket);
  await leases.holdUpload('p', [ref]);
  expect([...(await leases.list()).values()]).toEqual([
    {
      schema: 1,
      pipeline: 'p',
      run: null,
      refs: [ref],
      renewed_at: new Date(START).toISOString(),
      expires_at: new Date(START + 24 * HOUR).toISOString(),
    },
  ]);
});

it('a lease that is gone once it is read is not listed, and other objects are no leases', async () => {
  const leases = new Leases(bucket);
  await leases.holdUpload('p', []);
  const { sha256 } = refOf('x', Buffer.from('x'));
  await bucket.put('leases/mine', Buffer.from('x'), { sha256 });
  await bucket.put('leases/p/mine.json.bak', Buffer.from('x'), { sha256 });
  expect((await leases.list()).size).toBe(1);
  vi.spyOn(bucket, 'get').mockResolvedValue(undefined);
  expect((await leases.list()).size).toBe(0);
});
