import { setTimeout as sleep } from 'node:timers/promises';
import { Conflict } from '../../contract/failures.ts';
import type { Store } from '../index.ts';
import type { Lease } from '../leases.ts';
import { inParallel } from '../parallel.ts';
import type { Keep } from './roots.ts';
import { planGc, type Garbage, type GcPlan } from './plan.ts';

const AT_ONCE = 16;

/** A run that meets the closed gate withdraws its lease within this long. */
const WITHDRAW_MS = 1_000;

type Removable = Pick<Garbage, 'key' | 'size' | 'upload'>;

/** Whether the run that holds a lease may still be at work. */
export type IsLive = (lease: Lease) => Promise<boolean>;

/**
 * Removes what `planGc` finds. Why nothing that is needed goes with it:
 *
 * - While the gate is closed no run holds a lease (see Leases), so nothing is relied on that no ledger,
 *   record or upload names, and nothing new comes to be relied on. Uploads look at the gate too.
 * - So what is planned with the gate closed stays true until it opens. A plan made before is thrown away.
 * - A gate that could not be renewed in time is not acted upon any more, and a gate can only be renewed
 *   while it is still closed: a process that slept through its term removes nothing when it wakes.
 * - Whatever is written after the lists were taken is in none of them. What is younger than this
 *   collection stays in any case.
 * - Killed halfway, it leaves records marked, then entries gone, then objects gone. An entry that is gone
 *   is a stage to be run again, an object no entry leads to is ours by its mark, and the next gc's.
 * - Uploads in parts are told apart by notes of their own, and given up a day after their last word.
 * - Of two at once the second finds the gate closed and says so.
 *
 * It assumes what S3 promises (a read or list that begins after a write has ended sees it) and clocks
 * that agree within two minutes.
 * @throws Conflict when runs are at work, or another collection is.
 */
export async function collectGarbage(
  store: Store,
  keep: Keep,
  { isLive, onRemoved }: { isLive: IsLive; onRemoved?: (bytes: number) => void },
): Promise<GcPlan> {
  await refuseWhileRunning(store, isLive, 0); // without holding anybody up
  const gate = await store.leases.gate.close();
  try {
    const dead = await refuseWhileRunning(store, isLive, WITHDRAW_MS);
    const started = new Date();
    const plan = await planGc(store, keep, started);
    const now = started.toISOString();
    await inParallel(plan.give_up, 1, async (build) => {
      gate.assertClosed();
      await store.records.markCollected(build, now);
    });
    const remove = async ({ key, size, upload }: Removable): Promise<void> => {
      gate.assertClosed();
      if (upload !== undefined) await store.bucket.abortUpload(upload.key, upload.uploadId);
      await store.bucket.delete(key);
      onRemoved?.(size);
    };
    const [entries, others] = [true, false].map((is) =>
      plan.remove.filter(({ kind }) => (kind === 'cache entries') === is),
    );
    await inParallel(entries!, AT_ONCE, remove);
    await inParallel(others!, AT_ONCE, remove);
    for (const key of dead) await remove({ key, size: 0 });
    return plan;
  } finally {
    await gate.open();
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
      `${run!.workflow_id} is at work${more.length > 0 ? ` (and ${more.length} more)` : ''} and may rely on anything in the bucket, so nothing was removed: start gc again when it has ended`,
      { details: { runs: live.map(({ run: held }) => held?.workflow_id) } },
    );
  }
}

/** The leases of runs at work, and the keys of those whose time is over. */
export async function sortLeases(
  store: Store,
  isLive: IsLive,
): Promise<{ live: Lease[]; dead: string[] }> {
  const sorted: { live: Lease[]; dead: string[] } = { live: [], dead: [] };
  for (const [key, lease] of await store.leases.list()) {
    const over = Date.parse(lease.expires_at) < Date.now();
    if (lease.run === null ? over : !(await isLive(lease))) sorted.dead.push(key);
    else if (lease.run !== null) sorted.live.push(lease);
  }
  return sorted;
}
