import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Conflict } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { readDocument, swapDocument, type Shape } from './documents.ts';

// The name by which earlier programs know it, so that their runs wait too.
const KEY = 'leases/gate.json';

/** The lock expires after this time, if the process that holds it has died. */
const HELD_MS = 300_000;

/** How often that process renews it. */
const RENEW_MS = 20_000;

/**
 * That process may remove objects for this time after a renewal. A request that it starts ends within two tries
 * of a minute each. The rest of HELD_MS allows for clocks that differ.
 */
const ACT_MS = 60_000;

const lockSchema = z.strictObject({
  schema: z.literal(1),
  /** The process that holds it; null when it is free. */
  closed_by: z.string().nullable(),
  /** ISO 8601, UTC. */
  expires_at: z.string(),
});

type LockDocument = z.infer<typeof lockSchema>;

const LOCK: Shape<LockDocument> = {
  schema: 1,
  shape: lockSchema,
  repair: 'delete it, once no gc is running',
};

/** The lock, held by this process. */
export interface HeldLock {
  /** @throws Conflict when the lock may have expired: then nothing may be removed */
  assertHeld: () => void;
  release: () => Promise<void>;
}

/** A garbage collection holds this lock while it removes objects. No run and no other collection starts then. */
export class CollectionLock {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async isHeld(): Promise<boolean> {
    const lock = await readDocument(this.#bucket, KEY, LOCK);
    return lock !== undefined && isHeld(lock.value);
  }

  /** Waits until it is free, and calls `waiting` every half second. */
  async waitUntilFree(signal?: AbortSignal, waiting?: () => void): Promise<void> {
    while (await this.isHeld()) {
      waiting?.();
      await sleep(500, undefined, signal === undefined ? {} : { signal });
    }
  }

  /**
   * Acquires it and keeps it until it is released or this process dies.
   * @throws Conflict when another process holds it
   */
  async acquire(): Promise<HeldLock> {
    const self = randomUUID();
    let renewed = await this.#write(self, 'acquire');
    if (renewed === undefined)
      throw new Conflict('another gc is running on this bucket: try again when it has ended');
    const timer = setInterval(() => {
      void this.#write(self, 'renew').then(
        (at) => (renewed = at ?? 0),
        () => undefined, // the next renewal may succeed; if none does, assertHeld throws
      );
    }, RENEW_MS);
    timer.unref();
    return {
      assertHeld: () => {
        if (Date.now() < (renewed ?? 0) + ACT_MS) return;
        throw new Conflict(
          'gc has stopped: the bucket did not answer for so long that runs may have begun: start gc again',
        );
      },
      release: async () => {
        clearInterval(timer);
        const free: LockDocument = { schema: 1, closed_by: null, expires_at: '' };
        await swapDocument(this.#bucket, KEY, LOCK, (current) =>
          current === undefined || current.closed_by === self ? free : current,
        );
      },
    };
  }

  /**
   * Acquires or renews it. A lock that has expired is not renewed, because a run may have started.
   * @returns the time of this machine when it was acquired or renewed; undefined when that is not allowed
   */
  async #write(self: string, how: 'acquire' | 'renew'): Promise<number | undefined> {
    const at = Date.now();
    const held: LockDocument = {
      schema: 1,
      closed_by: self,
      expires_at: new Date(at + HELD_MS).toISOString(),
    };
    const free: LockDocument = { ...held, closed_by: null };
    let isOurs = false;
    await swapDocument(this.#bucket, KEY, LOCK, (current) => {
      const isFree = current === undefined || !isHeld(current);
      // Its own value is there already if the answer to a write was lost.
      isOurs = isFree ? how === 'acquire' : current.closed_by === self;
      return isOurs ? held : (current ?? free);
    });
    return isOurs ? at : undefined;
  }
}

function isHeld({ closed_by: by, expires_at: at }: LockDocument): boolean {
  return by !== null && Date.parse(at) > Date.now();
}
