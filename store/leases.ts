import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Bucket } from './bucket.ts';
import { overwriteDocument, readDocument, type Shape } from './documents.ts';
import { Gate } from './gate.ts';
import { inParallel } from './parallel.ts';
import { refSchema, type Ref } from '../contract/ref.ts';

/** Longer than any stage may take, so that a lease outlives what took it unless it is renewed. */
const RUN_LEASE_MS = 26 * 3_600_000;

/** How often who holds a lease says so again. */
const RENEW_MS = 3_600_000;

/** An uploaded file waits this long for the run it was brought for. */
const UPLOAD_LEASE_MS = 24 * 3_600_000;

/** How far the bucket's clock may be from the one a lease was written by. */
const CLOCKS_MS = 3_600_000;

const AT_ONCE = 16;

const leaseSchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  /** The run that holds it; null for a file that a client has uploaded for a run to come. */
  run: z
    .strictObject({ namespace: z.string(), workflow_id: z.string(), run_id: z.string() })
    .nullable(),
  /** What it relies on; null: anything that its stages may find in the bucket. */
  refs: z.array(refSchema).nullable(),
  /** ISO 8601, UTC. */
  renewed_at: z.string(),
  expires_at: z.string(),
});

const LEASE: Shape<z.infer<typeof leaseSchema>> = {
  schema: 1,
  shape: leaseSchema,
  mend: 'delete it, once that run has ended',
};

/** Says that what is in the bucket is relied on before any record says so. */
export type Lease = z.infer<typeof leaseSchema>;

/** A workflow execution, and whose Temporal namespace it is in. */
export interface RunOf {
  pipeline: string;
  namespace: string;
  workflowId: string;
  runId: string;
}

interface Waiting {
  signal?: AbortSignal;
  /** Called again and again while a collection is under way. */
  waiting?: () => void;
}

/**
 * Leases keep what is about to be used from being collected. A run writes its lease and then looks at
 * the gate; a collection closes the gate and then looks for leases. The store answers reads with what
 * was written before, so of the two at least one sees the other: the run withdraws and waits, or the
 * collection gives up. So no run is at work while a collection removes anything, and one that begins
 * afterwards finds what was removed gone, and makes it anew.
 */
export class Leases {
  readonly gate: Gate;
  readonly #bucket: Bucket;
  /** When each lease taken here was last renewed, by its key: a stage more costs no request. */
  readonly #renewed = new Map<string, number>();
  /** Activities of one run that begin together share one lease, or one would withdraw the other's. */
  readonly #taking = new Map<string, Promise<void>>();
  /** Pipelines whose earlier uploads were looked at: once is enough for a process. */
  readonly #tidied = new Set<string>();
  readonly #self = randomUUID().slice(0, 8);

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
    this.gate = new Gate(bucket);
  }

  /** Takes or renews the lease of a run; waits while a collection is under way. */
  async take(run: RunOf, options: Waiting = {}): Promise<void> {
    const key = this.#keyOf(run);
    const renewed = this.#renewed.get(key);
    if (renewed === undefined) await this.#takeTogether(key, run, options);
    else if (renewed < Date.now() - RENEW_MS) {
      await overwriteDocument(this.#bucket, key, leaseOf(run));
    } else return;
    const now = Date.now();
    for (const [old, at] of this.#renewed) if (at < now - RUN_LEASE_MS) this.#renewed.delete(old);
    this.#renewed.set(key, now);
  }

  async #takeTogether(key: string, run: RunOf, options: Waiting): Promise<void> {
    const begun = this.#taking.get(key);
    // What began it may have been stopped, and what joined it has not.
    if (begun !== undefined && (await isWell(begun))) return;
    const taking = this.#taking.get(key) ?? this.#withdrawable(key, leaseOf(run), options);
    this.#taking.set(key, taking);
    await taking.finally(() => this.#taking.delete(key));
  }

  /** Holds what is uploaded before any run knows of it; taken before the upload begins. */
  async holdUpload(pipeline: string, refs: readonly Ref[], options: Waiting = {}): Promise<void> {
    const lease = { pipeline, run: null, refs: [...refs], ...term(UPLOAD_LEASE_MS) };
    const key = `leases/${pipeline}/upload-${randomUUID()}.json`;
    await this.#withdrawable(key, { schema: 1, ...lease }, options);
    if (this.#tidied.has(pipeline)) return;
    this.#tidied.add(pipeline);
    await this.#dropUploads(pipeline);
  }

  /** Gives a run's lease back: its record says from now on what it relies on. */
  async release(run: RunOf): Promise<void> {
    const key = this.#keyOf(run);
    this.#renewed.delete(key);
    await this.#bucket.delete(key);
  }

  /** All leases of all pipelines, run out or not, by key. */
  async list(): Promise<Map<string, Lease>> {
    const keys: string[] = [];
    for await (const { key } of this.#bucket.list('leases/'))
      if (LEASE_KEY.test(key)) keys.push(key);
    const leases = new Map<string, Lease | undefined>(keys.map((key) => [key, undefined]));
    await inParallel(keys, AT_ONCE, async (key) => {
      leases.set(key, (await readDocument(this.#bucket, key, LEASE))?.value);
    });
    return new Map(
      [...leases].flatMap(([key, lease]) => (lease === undefined ? [] : [[key, lease]])),
    );
  }

  /** Removes the leases of earlier uploads that have run out, so that they do not pile up where nothing is collected. */
  async #dropUploads(pipeline: string): Promise<void> {
    const over = Date.now() - UPLOAD_LEASE_MS - CLOCKS_MS;
    const keys: string[] = [];
    for await (const { key, modified } of this.#bucket.list(`leases/${pipeline}/upload-`))
      if (LEASE_KEY.test(key) && modified.getTime() < over) keys.push(key);
    await inParallel(keys, AT_ONCE, (key) => this.#bucket.delete(key));
  }

  async #withdrawable(key: string, lease: Lease, { signal, waiting }: Waiting): Promise<void> {
    for (;;) {
      await overwriteDocument(this.#bucket, key, lease);
      if (!(await this.gate.isClosed())) return;
      await this.#bucket.delete(key);
      await this.gate.untilOpen(signal, waiting);
    }
  }

  /** Each process has its own, so that one withdraws no other's. Workflow ids may hold anything. */
  #keyOf({ pipeline, workflowId, runId }: RunOf): string {
    const name = workflowId.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 200);
    return `leases/${pipeline}/${name}-${runId}-${this.#self}.json`;
  }
}

const LEASE_KEY = /^leases\/[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+\.json$/;

async function isWell(ending: Promise<unknown>): Promise<boolean> {
  return ending.then(
    () => true,
    () => false,
  );
}

function leaseOf({ pipeline, namespace, workflowId, runId }: RunOf): Lease {
  const run = { namespace, workflow_id: workflowId, run_id: runId };
  return { schema: 1, pipeline, run, refs: null, ...term(RUN_LEASE_MS) };
}

function term(ms: number): Pick<Lease, 'renewed_at' | 'expires_at'> {
  const now = Date.now();
  return {
    renewed_at: new Date(now).toISOString(),
    expires_at: new Date(now + ms).toISOString(),
  };
}
