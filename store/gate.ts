import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Conflict } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { readDocument, swapDocument, type Shape } from './documents.ts';

const KEY = 'leases/gate.json';

/** A gate opens by itself after this time, if the process that closed it has died. */
const CLOSED_MS = 300_000;

/** How often that process renews it. */
const RENEW_MS = 20_000;

/**
 * That process may remove objects for this time after a renewal. A request that it starts ends within two tries
 * of a minute each. The rest of CLOSED_MS allows for clocks that differ.
 */
const ACT_MS = 60_000;

const gateSchema = z.strictObject({
  schema: z.literal(1),
  /** The process that has closed it; null when it is open. */
  closed_by: z.string().nullable(),
  /** ISO 8601, UTC. */
  expires_at: z.string(),
});

type GateDocument = z.infer<typeof gateSchema>;

const GATE: Shape<GateDocument> = {
  schema: 1,
  shape: gateSchema,
  repair: 'delete it, once no gc is running',
};

/** A gate that this process has closed. */
export interface ClosedGate {
  /** @throws Conflict when the gate may have opened by itself: then nothing may be removed */
  assertClosed: () => void;
  open: () => Promise<void>;
}

/** The gate is closed while a garbage collection removes objects. No run and no other collection starts then. */
export class Gate {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async isClosed(): Promise<boolean> {
    const gate = await readDocument(this.#bucket, KEY, GATE);
    return gate !== undefined && isShut(gate.value);
  }

  /** Waits until it is open, and calls `waiting` every half second. */
  async waitUntilOpen(signal?: AbortSignal, waiting?: () => void): Promise<void> {
    while (await this.isClosed()) {
      waiting?.();
      await sleep(500, undefined, signal === undefined ? {} : { signal });
    }
  }

  /**
   * Closes it and keeps it closed until it is opened or this process dies.
   * @throws Conflict when another process has closed it
   */
  async close(): Promise<ClosedGate> {
    const self = randomUUID();
    let renewed = await this.#hold(self, 'close');
    if (renewed === undefined)
      throw new Conflict('another gc is running on this bucket: try again when it has ended');
    const timer = setInterval(() => {
      void this.#hold(self, 'renew').then(
        (at) => (renewed = at ?? 0),
        () => undefined, // the next renewal may succeed; if none does, assertClosed throws
      );
    }, RENEW_MS);
    timer.unref();
    return {
      assertClosed: () => {
        if (Date.now() < (renewed ?? 0) + ACT_MS) return;
        throw new Conflict(
          'gc has stopped: the store did not answer for so long that runs may have begun; start it again',
        );
      },
      open: async () => {
        clearInterval(timer);
        const open: GateDocument = { schema: 1, closed_by: null, expires_at: '' };
        await swapDocument(this.#bucket, KEY, GATE, (current) =>
          current === undefined || current.closed_by === self ? open : current,
        );
      },
    };
  }

  /**
   * A gate that has opened by itself is not renewed: a run may have started.
   * @returns the time of this machine when it was closed or renewed; undefined when that is not allowed
   */
  async #hold(self: string, how: 'close' | 'renew'): Promise<number | undefined> {
    const at = Date.now();
    const closed: GateDocument = {
      schema: 1,
      closed_by: self,
      expires_at: new Date(at + CLOSED_MS).toISOString(),
    };
    const open: GateDocument = { ...closed, closed_by: null };
    let isHeld = false;
    await swapDocument(this.#bucket, KEY, GATE, (current) => {
      const isOpen = current === undefined || !isShut(current);
      // Its own value is there already if the answer to a write was lost.
      isHeld = isOpen ? how === 'close' : current.closed_by === self;
      return isHeld ? closed : (current ?? open);
    });
    return isHeld ? at : undefined;
  }
}

function isShut({ closed_by: by, expires_at: at }: GateDocument): boolean {
  return by !== null && Date.parse(at) > Date.now();
}
