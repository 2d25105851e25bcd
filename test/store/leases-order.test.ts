import { describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../store/bucket.ts';
import { Leases } from '../../store/leases.ts';
import { everyOrder, failuresOf, type Client } from '../support/interleavings.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const run = (id: string) => ({ pipeline: 'p', namespace: 'n', workflowId: id, runId: `run-${id}` });

/** Who relies on what is in the bucket now, and whether anything is being removed. */
interface Scene {
  inside: Set<string>;
  /** When a removal was begun that has not ended. */
  removing: number | undefined;
  removals: number;
}

/** Longer than any request of a process that has died may take: the lock is held until then. */
const REQUEST_MS = 180_000;

function expectNoRemoval({ removing }: Scene): void {
  if (removing !== undefined) expect(Date.now() - removing).toBeGreaterThan(REQUEST_MS);
}

/** A run: it takes its lease, relies on the bucket for a few requests, and gives the lease back. */
const running =
  (scene: Scene, id: string): Client =>
  async (bucket) => {
    const leases = new Leases(bucket);
    await leases.take(run(id));
    expectNoRemoval(scene);
    scene.inside.add(id);
    await bucket.head('an artifact');
    expectNoRemoval(scene);
    scene.inside.delete(id);
    await leases.release(run(id));
  };

/** A collection: it acquires the lock, and removes something only when nobody has a lease. */
const collecting =
  (scene: Scene): Client =>
  async (bucket) => {
    const { lock, list } = opened(bucket);
    const held = await lock.acquire();
    try {
      if ((await list()).size > 0) return 'gave up';
      held.assertHeld();
      expect([...scene.inside]).toEqual([]);
      scene.removing = Date.now();
      await bucket.delete('an artifact');
      scene.removing = undefined;
      scene.removals++;
      return 'removed';
    } finally {
      await held.release();
    }
  };

function opened(bucket: Bucket) {
  const leases = new Leases(bucket);
  return { lock: leases.collectionLock, list: () => leases.list() };
}

describe('in every order of their requests', () => {
  it('no run relies on the bucket while a collection removes from it', async () => {
    let scene: Scene;
    let removals = 0;
    const runs = await everyOrder({
      clients: () => {
        scene = { inside: new Set(), removing: undefined, removals: 0 };
        return [running(scene, 'a'), collecting(scene)];
      },
      after: async (bucket, ended) => {
        expect(ended.map(({ status }) => status)).toEqual(['done', 'done']);
        const { lock, list } = opened(bucket);
        expect(await lock.isHeld()).toBe(false);
        expect((await list()).size).toBe(0);
        removals += scene.removals;
      },
      switches: 4,
    });
    expect(removals).toBeGreaterThan(0);
    expect(removals).toBeLessThan(runs);
  });

  it('the same holds where either of them dies', async () => {
    let scene: Scene;
    await everyOrder({
      clients: () => {
        scene = { inside: new Set(), removing: undefined, removals: 0 };
        return [running(scene, 'a'), collecting(scene)];
      },
      crashes: 1,
      switches: 2,
      after: async (bucket, ended) => {
        for (const end of ended) if (end.status === 'failed') throw end.reason;
        // A dead run keeps its lease until its workflow is found to be over; a dead collection keeps the
        // lock held until it expires.
        const left = (await opened(bucket).list()).size;
        expect(left).toBeLessThanOrEqual(ended[0]!.status === 'crashed' ? 1 : 0);
        const mayBeClosed = ended[1]!.status === 'crashed';
        expect((await opened(bucket).lock.isHeld()) && !mayBeClosed).toBe(false);
      },
    });
  });

  it('of two collections at most one removes at a time, and the other says why it does not', async () => {
    let scene: Scene;
    await everyOrder({
      clients: () => {
        scene = { inside: new Set(), removing: undefined, removals: 0 };
        return [collecting(scene), collecting(scene)];
      },
      after: async (bucket, ended) => {
        expect(failuresOf(ended).filter((name) => name !== 'Conflict')).toEqual([]);
        expect(ended.some(({ status }) => status === 'done')).toBe(true);
        expect(await opened(bucket).lock.isHeld()).toBe(false);
      },
      switches: 4,
    });
  });
});
