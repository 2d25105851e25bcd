import { z } from 'zod';
import type { Artifacts } from './artifacts.ts';
import type { Bucket } from './bucket.ts';
import { hashOf } from './hash.ts';
import { createDocument, overwriteDocument, readDocument, type Shape } from './documents.ts';
import { refSchema, type Ref } from '../contract/ref.ts';

/** A number or word about a stage's outputs. */
export const fact = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** A workflow execution. */
export const executionSchema = z.strictObject({ workflow_id: z.string(), run_id: z.string() });

const entrySchema = z.strictObject({
  schema: z.literal(1),
  key: z.string(),
  stage: z.string(),
  batch: z.int().nullable(),
  code: z.int(),
  params: z.record(z.string(), z.unknown()),
  libraries: z.record(z.string(), z.string()),
  inputs: z.record(z.string(), refSchema),
  outputs: z.record(z.string(), refSchema),
  /** A few numbers and words about the outputs, for people: rows, depth, leaves. */
  facts: z.record(z.string(), fact),
  warnings: z.array(z.string()),
  producer: executionSchema,
  /** ISO 8601, UTC. */
  started_at: z.string(),
  duration_ms: z.number(),
  /** Outputs that were missing, and the run that makes them again. It is written before they are made. */
  healed: z
    .strictObject({
      run: executionSchema,
      objects: z.array(z.strictObject({ path: z.string(), md5: z.string() })),
    })
    .optional(),
});

const ENTRY: Shape<z.infer<typeof entrySchema>> = { schema: 1, shape: entrySchema };

/** One execution of a stage: the fields that its key is a hash of, and its outputs. */
export type CacheEntry = z.infer<typeof entrySchema>;

/** What decides whether a stage's outputs can be taken from an earlier run. */
export interface StageIdentity {
  stage: string;
  /** The batch whose number is in the outputs' paths; null for a stage that has no batch. */
  batch: number | null;
  /** The stage's code version: a new integer whenever the same inputs would give other bytes. */
  code: number;
  /** The params this stage reads, and no others. */
  params: Record<string, unknown>;
  /** Versions of the libraries that shape its bytes. */
  libraries: Record<string, string>;
  inputs: Record<string, Ref>;
}

/** The cache key: SHA-256 over the identity, inputs by content alone. */
export function stageKey(identity: StageIdentity): string {
  const inputs = Object.fromEntries(
    Object.entries(identity.inputs).map(([name, ref]) => [name, ref.sha256]),
  );
  return hashOf({ ...identity, inputs });
}

/** Answers "has this stage, at this code version, with these params and inputs, been run?" */
export class StageCache {
  readonly #bucket: Bucket;
  readonly #artifacts: Artifacts;

  constructor(bucket: Bucket, artifacts: Artifacts) {
    this.#bucket = bucket;
    this.#artifacts = artifacts;
  }

  /** Returns the entry under a key, whether or not its outputs are whole. */
  async read(stage: string, key: string): Promise<CacheEntry | undefined> {
    return (await readDocument(this.#bucket, entryKey(stage, key), ENTRY))?.value;
  }

  /**
   * Returns the entry under a key, and those of its outputs that are missing or have the wrong size or
   * checksum. The entry can be used when there are none.
   */
  async lookUp(
    stage: string,
    key: string,
  ): Promise<{ entry: CacheEntry; missing: Ref[] } | undefined> {
    const entry = await this.read(stage, key);
    if (entry === undefined) return undefined;
    const outputs = Object.values(entry.outputs);
    const whole = await Promise.all(outputs.map((ref) => this.#artifacts.has(ref)));
    return { entry, missing: outputs.filter((_, i) => !whole[i]) };
  }

  /**
   * Enters a finished execution. An earlier entry stays, so that "cached from" keeps naming it, unless its
   * outputs differ or `replace` is set.
   * @returns the entry that is stored now
   */
  async enter(entry: CacheEntry, options: { replace: boolean }): Promise<CacheEntry> {
    const key = entryKey(entry.stage, entry.key);
    if (options.replace) {
      await overwriteDocument(this.#bucket, key, entry);
      return entry;
    }
    if (await createDocument(this.#bucket, key, entry)) return entry;
    const earlier = await this.read(entry.stage, entry.key);
    if (earlier !== undefined && hashOf(earlier.outputs) === hashOf(entry.outputs)) return earlier;
    await overwriteDocument(this.#bucket, key, entry);
    return entry;
  }
}

export function entryKey(stage: string, key: string): string {
  return `cache/${stage}/${key.slice(0, 2)}/${key}.json`;
}
