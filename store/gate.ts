import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Conflict } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { readDocument, swapDocument, type Shape } from './documents.ts';

const KEY = 'leases/gate.json';

/** A gate whose closer has died opens by itself after this long. */
const CLOSED_MS = 300_000;

/** How often its closer renews it. */
const RENEW_MS = 20_000;

/**
 * How long after a renewal its closer still acts: a request begun then ends, at the latest, after two
 * tries of a minute each. What is left to CLOSED_MS is for clocks that differ.
 */
const ACT_MS = 60_000;

const gateSchema = z.strictObject({
  schema: z.literal(1),
  /** Who has closed it; null: it is open. */
  closed_by: z.string().nullable(),
  /** ISO 8601, UTC. */
  expires_at: z.string(),
});

type GateDocument = z.infer<typeof gateSchema>;

const GATE: Shape<GateDocument> = {
  schema: 1,
  shape: gateSchema,
  mend: 'delete it, once no gc is at work',
};

/** The gate as its closer holds it. */
export interface ClosedGate {
  /** @throws Conflict when the gate may have opened by itself: nothing may be removed any more. */
  assertClosed: () => void;
  open: () => Promise<void>;
}

/** Closed while a collection removes things: no run begins, and no other collection. */
export class Gate {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async isClosed(): Promise<boolean> {
    const gate = await readDocument(this.#bucket, KEY, GATE);
    return gate !== undefined && holds(gate.value);
  }

  /** Waits until it is open, saying so every half second. */
  async untilOpen(signal?: AbortSignal, waiting?: () => void): Promise<void> {
    while (await this.isClosed()) {
      waiting?.();
      await sleep(500, undefined, signal === undefined ? {} : { signal });
    }
  }

  /**
   * Closes it and keeps it closed until it is opened, or this process dies.
   * @throws Conflict when another has closed it.
   */
  async close(): Promise<ClosedGate> {
    const self = randomUUID();
    let renewed = await this.#hold(self, (gate) => gate === undefined || !holds(gate));
    if (renewed === undefined)
      throw new Conflict('another gc is at work on this bucket: try again when it is done');
    const timer = setInterval(() => {
      // One that has opened by itself meanwhile stays open: a run may have gone through.
      void this.#hold(self, (gate) => gate?.closed_by === self && holds(gate)).then(
        (at) => (renewed = at ?? 0),
        () => undefined, // the next one may come through; if none does, assertClosed says so
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

  /** @returns when it was closed or renewed, in this machine's time; undefined where it may not be. */
  async #hold(
    self: string,
    may: (gate: GateDocument | undefined) => boolean,
  ): Promise<number | undefined> {
    const at = Date.now();
    const closed: GateDocument = {
      schema: 1,
      closed_by: self,
      expires_at: new Date(at + CLOSED_MS).toISOString(),
    };
    const open: GateDocument = { ...closed, closed_by: null };
    const gate = await swapDocument(this.#bucket, KEY, GATE, (current) =>
      may(current) ? closed : (current ?? open),
    );
    return gate.closed_by === self ? at : undefined;
  }
}

function holds({ closed_by: by, expires_at: at }: GateDocument): boolean {
  return by !== null && Date.parse(at) > Date.now();
}
