import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Bucket } from './bucket.ts';
import { overwriteDocument, readDocument, type Shape } from './documents.ts';
import { CollectionLock } from './collection-lock.ts';
import { inParallel } from './parallel.ts';
import { refSchema, type Ref } from '../contract/ref.ts';

/** Longer than any stage may take. */
const RUN_LEASE_MS = 26 * 3_600_000;

/** How often a lease is renewed. */
const RENEW_MS = 3_600_000;

/** An uploaded file is kept this long for the run that it was uploaded for. */
const UPLOAD_LEASE_MS = 24 * 3_600_000;

/** The most that the bucket's clock may differ from the clock of the process that wrote a lease. */
const CLOCKS_MS = 3_600_000;

const AT_ONCE = 16;

const leaseSchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  /** The run that holds it; null for a file that a client has uploaded for a later run. */
  run: z
    .strictObject({ namespace: z.string(), workflow_id: z.string(), run_id: z.string() })
    .nullable(),
  /** What it relies on; null means everything in the bucket. */
  refs: z.array(refSchema).nullable(),
  /** ISO 8601, UTC. */
  renewed_at: z.string(),
  expires_at: z.string(),
});

const LEASE: Shape<z.infer<typeof leaseSchema>> = {
  schema: 1,
  shape: leaseSchema,
  repair: 'delete it, once that run has ended',
};

/** Says that a run relies on objects in the bucket before any record names them. */
export type Lease = z.infer<typeof leaseSchema>;

/** A workflow execution, its pipeline and its Temporal namespace. */
export interface RunOf {
  pipeline: string;
  namespace: string;
  workflowId: string;
  runId: string;
}

interface Waiting {
  signal?: AbortSignal;
  /** Called again and again while a collection runs. */
  waiting?: () => void;
}

/**
 * Leases protect objects from garbage collection before a record names them. A run writes its lease and then
 * reads the collection lock. A collection acquires the lock and then lists the leases. A read sees every earlier write, so
 * at least one of the two sees the other: the run withdraws its lease and waits, or the collection stops. So no
 * run is active while a collection removes objects. A run that starts afterwards finds them missing and makes
 * them again.
 */
export class Leases {
  readonly collectionLock: CollectionLock;
  readonly #bucket: Bucket;
  /** By key: when this process last renewed a lease. Further stages of a run cost no request. */
  readonly #renewed = new Map<string, number>();
  /** Activities of one run that start together take one lease. Otherwise one would withdraw the other's lease. */
  readonly #taking = new Map<string, Promise<void>>();
  /** Pipelines whose earlier uploads this process has tidied up. */
  readonly #tidied = new Set<string>();
  readonly #self = randomUUID().slice(0, 8);

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
    this.collectionLock = new CollectionLock(bucket);
  }

  /** Takes or renews the lease of a run. Waits while a collection runs. */
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
    // The activity that started it may have been cancelled, and this one has not.
    if (begun !== undefined && (await succeeds(begun))) return;
    const taking = this.#taking.get(key) ?? this.#writeLease(key, leaseOf(run), options);
    this.#taking.set(key, taking);
    await taking.finally(() => this.#taking.delete(key));
  }

  /** Protects an upload until a run uses it. Call it before the upload starts. */
  async holdUpload(pipeline: string, refs: readonly Ref[], options: Waiting = {}): Promise<void> {
    const lease = { pipeline, run: null, refs: [...refs], ...expiresIn(UPLOAD_LEASE_MS) };
    const key = `leases/${pipeline}/upload-${randomUUID()}.json`;
    await this.#writeLease(key, { schema: 1, ...lease }, options);
    if (this.#tidied.has(pipeline)) return;
    this.#tidied.add(pipeline);
    await this.#dropUploads(pipeline);
  }

  /** Deletes a run's lease. From now on its record names the objects that it relies on. */
  async release(run: RunOf): Promise<void> {
    const key = this.#keyOf(run);
    this.#renewed.delete(key);
    await this.#bucket.delete(key);
  }

  /**
   * Deletes the leases that any process holds for a run. A killed worker leaves its lease behind, and gc would wait for the
   * run, which may be open for days. Only for a run that has one activity at a time.
   */
  async releaseAll(run: RunOf): Promise<void> {
    await this.release(run);
    const keys: string[] = [];
    for await (const { key } of this.#bucket.list(prefixOf(run))) keys.push(key);
    await inParallel(keys, AT_ONCE, (key) => this.#bucket.delete(key));
  }

  /** Returns the leases of all pipelines by key, expired ones too. */
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

  /** Removes the expired leases of earlier uploads, which would pile up where gc is never run. */
  async #dropUploads(pipeline: string): Promise<void> {
    const limit = Date.now() - UPLOAD_LEASE_MS - CLOCKS_MS;
    const keys: string[] = [];
    for await (const { key, modified } of this.#bucket.list(`leases/${pipeline}/upload-`))
      if (LEASE_KEY.test(key) && modified.getTime() < limit) keys.push(key);
    await inParallel(keys, AT_ONCE, (key) => this.#bucket.delete(key));
  }

  /** Writes a lease. Withdraws it while a collection holds the lock, and writes it again afterwards. */
  async #writeLease(key: string, lease: Lease, { signal, waiting }: Waiting): Promise<void> {
    for (;;) {
      await overwriteDocument(this.#bucket, key, lease);
      if (!(await this.collectionLock.isHeld())) return;
      await this.#bucket.delete(key);
      await this.collectionLock.waitUntilFree(signal, waiting);
    }
  }

  /** Each process has its own lease, so that it withdraws no other's. */
  #keyOf(run: RunOf): string {
    return `${prefixOf(run)}${this.#self}.json`;
  }
}

/** The start of the keys of a run's leases. Workflow IDs may hold any character. */
function prefixOf({ pipeline, workflowId, runId }: RunOf): string {
  const name = workflowId.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 200);
  return `leases/${pipeline}/${name}-${runId}-`;
}

const LEASE_KEY = /^leases\/[A-Za-z0-9_-]+\/[A-Za-z0-9._-]+\.json$/;

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

function leaseOf({ pipeline, namespace, workflowId, runId }: RunOf): Lease {
  const run = { namespace, workflow_id: workflowId, run_id: runId };
  return { schema: 1, pipeline, run, refs: null, ...expiresIn(RUN_LEASE_MS) };
}

function expiresIn(ms: number): Pick<Lease, 'renewed_at' | 'expires_at'> {
  const now = Date.now();
  return {
    renewed_at: new Date(now).toISOString(),
    expires_at: new Date(now + ms).toISOString(),
  };
}
