import { z } from 'zod';
import type { Bucket } from './bucket.ts';
import { hashOf } from './hash.ts';
import { readDocument, swapDocument, type Shape } from './documents.ts';

const attemptSchema = z.strictObject({
  schema: z.literal(1),
  attempt: z.string(),
  pipeline: z.string(),
  batch: z.int(),
  /** Milliseconds since 1970: the start of the MLflow run and the time of every metric in it. */
  claimed_at: z.number(),
  /** The execution that may create the MLflow run. Another one replaces it by compare-and-swap. */
  owner: z.string(),
  /** When that execution became the owner, milliseconds since 1970. */
  owned_at: z.number(),
  /** The tracking server that the IDs below belong to. */
  tracking_uri: z.string().nullable(),
  experiment_id: z.string().nullable(),
  run_id: z.string().nullable(),
  model_id: z.string().nullable(),
  model_name: z.string().nullable(),
  model_version: z.string().nullable(),
  /** Cache keys of the stages that are logged completely, by stage. */
  logged: z.record(z.string(), z.string()),
  /** By cache key of evaluate: when its scores were first logged. A repeat logs them with the same time. */
  scored_at: z.record(z.string(), z.number()),
});

const ATTEMPT: Shape<z.infer<typeof attemptSchema>> = { schema: 1, shape: attemptSchema };

/** One training attempt and the one MLflow run it has. */
export type Attempt = z.infer<typeof attemptSchema>;

/**
 * The name of a training attempt. Retries, resets and crashes do not change it. A forced run has an attempt of
 * its own, named by the first run ID of its workflow, which survives a reset.
 */
export function attemptId(of: {
  pipeline: string;
  batch: number;
  trainKey: string;
  force: string | null;
}): string {
  return hashOf(of).slice(0, 32);
}

/** Training attempts in the bucket, so that every execution of one attempt logs to the same MLflow run. */
export class Attempts {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async read(pipeline: string, attempt: string): Promise<Attempt | undefined> {
    return (await readDocument(this.#bucket, attemptKey(pipeline, attempt), ATTEMPT))?.value;
  }

  /** Changes an attempt by compare-and-swap. `change` is given undefined if nothing has claimed it yet. */
  async swap(
    pipeline: string,
    attempt: string,
    change: (current: Attempt | undefined) => Attempt,
  ): Promise<Attempt> {
    return swapDocument(this.#bucket, attemptKey(pipeline, attempt), ATTEMPT, change);
  }
}

function attemptKey(pipeline: string, attempt: string): string {
  return `attempts/${pipeline}/${attempt}.json`;
}
