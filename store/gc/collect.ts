import { setTimeout as sleep } from 'node:timers/promises';
import { Conflict } from '../../contract/failures.ts';
import type { Store } from '../index.ts';
import type { Lease } from '../leases.ts';
import { inParallel } from '../parallel.ts';
import type { Keep } from './roots.ts';
import { planGc, type Garbage, type GcPlan } from './plan.ts';

const AT_ONCE = 16;

/** A run that finds the collection lock held withdraws its lease within this time. */
const WITHDRAW_MS = 1_000;

type Removable = Pick<Garbage, 'key' | 'size' | 'upload'>;

/** Whether the run that holds a lease may still be active. */
export type IsLive = (lease: Lease) => Promise<boolean>;

/**
 * Removes the objects that `planGc` finds. Why no needed object is removed:
 *
 * - While this collection holds the lock, no run holds a lease (see Leases). So only objects that a ledger, record or upload
 *   names are needed, and no others become needed. Uploads check the lock too.
 * - So a plan that is made under the lock is valid until its release. An earlier plan is not used.
 * - When the lock could not be renewed in time, nothing more is removed. It can be renewed only until it
 *   expires: a process that slept too long removes nothing when it wakes.
 * - Objects that are written after the listings are in none of them. Objects younger than this collection stay.
 * - If it is killed halfway, records are marked first, then entries are removed, then objects. A stage without its
 *   entry runs again. An object that no entry names is recognised by its mark, and the next gc removes it.
 * - Unfinished uploads are recognised by their notes, and removed a day after the last renewal.
 * - Of two collections at once the second finds the lock held and fails.
 *
 * It assumes what S3 promises (a read or listing that starts after a write has ended sees it), and clocks that
 * differ by at most two minutes.
 * @throws Conflict when runs are active, or another collection is
 */
export async function collectGarbage(
  store: Store,
  keep: Keep,
  { isLive, onRemoved }: { isLive: IsLive; onRemoved?: (bytes: number) => void },
): Promise<GcPlan> {
  await refuseWhileRunning(store, isLive, 0); // before the lock is held, so that no run has to wait
  const lock = await store.leases.collectionLock.acquire();
  try {
    const dead = await refuseWhileRunning(store, isLive, WITHDRAW_MS);
    const started = new Date();
    const plan = await planGc(store, keep, started);
    const now = started.toISOString();
    await inParallel(plan.give_up, 1, async (build) => {
      lock.assertHeld();
      await store.records.markCollected(build, now);
    });
    const remove = async ({ key, size, upload }: Removable): Promise<void> => {
      lock.assertHeld();
      if (upload !== undefined) await store.bucket.abortUpload(upload.key, upload.uploadId);
      await store.bucket.delete(key);
      onRemoved?.(size);
    };
    const isEntry = ({ kind }: Garbage): boolean => kind === 'cache entries';
    await inParallel(plan.remove.filter(isEntry), AT_ONCE, remove);
    await inParallel(
      plan.remove.filter((garbage) => !isEntry(garbage)),
      AT_ONCE,
      remove,
    );
    for (const key of dead) await remove({ key, size: 0 });
    return plan;
  } finally {
    await lock.release();
  }
}

/** @returns the keys of leases that nobody needs any more. */
async function refuseWhileRunning(
  store: Store,
  isLive: IsLive,
  patienceMs: number,
): Promise<string[]> {
  for (const end = Date.now() + patienceMs; ; await sleep(100)) {
    const { live, dead } = await sortLeases(store, isLive);
    if (live.length === 0) return dead;
    if (Date.now() < end) continue;
    const [{ run }, ...more] = live as [Lease, ...Lease[]];
    throw new Conflict(
      `${run!.workflow_id} is running${more.length > 0 ? ` (and ${more.length} more)` : ''} and may rely on anything in the bucket, so nothing was removed: start gc again when it has ended`,
      { details: { runs: live.map(({ run: held }) => held!.workflow_id) } },
    );
  }
}

/** Sorts the leases into those of active runs and the keys of those that are no longer needed. */
export async function sortLeases(
  store: Store,
  isLive: IsLive,
): Promise<{ live: Lease[]; dead: string[] }> {
  const sorted: { live: Lease[]; dead: string[] } = { live: [], dead: [] };
  for (const [key, lease] of await store.leases.list()) {
    const isExpired = Date.parse(lease.expires_at) < Date.now();
    if (lease.run === null ? isExpired : !(await isLive(lease))) sorted.dead.push(key);
    else if (lease.run !== null) sorted.live.push(lease);
  }
  return sorted;
}
