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
  /** Who holds the right to create the MLflow run; another takes it over by compare-and-swap. */
  owner: z.string(),
  /** When the present owner took it, milliseconds since 1970. */
  owned_at: z.number(),
  /** The tracking server the ids below belong to. */
  tracking_uri: z.string().nullable(),
  experiment_id: z.string().nullable(),
  run_id: z.string().nullable(),
  model_id: z.string().nullable(),
  model_name: z.string().nullable(),
  model_version: z.string().nullable(),
  /** Cache keys of what has been logged completely. */
  logged: z.record(z.string(), z.string()),
  /** When the scores under an evaluate key were first logged: repeats must carry the same time. */
  scored_at: z.record(z.string(), z.number()),
});

const ATTEMPT: Shape<z.infer<typeof attemptSchema>> = { schema: 1, shape: attemptSchema };

/** One training attempt and the one MLflow run it has. */
export type Attempt = z.infer<typeof attemptSchema>;

/**
 * Names a training attempt: the same whatever is retried, reset or killed. With `force`, the first
 * execution run id of the workflow (which survives a reset) makes it another.
 */
export function attemptId(of: {
  pipeline: string;
  batch: number;
  trainKey: string;
  force: string | null;
}): string {
  return hashOf(of).slice(0, 32);
}

/** Claims of training attempts, so that whoever logs to MLflow logs to the same run. */
export class Attempts {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async read(pipeline: string, attempt: string): Promise<Attempt | undefined> {
    return (await readDocument(this.#bucket, attemptKey(pipeline, attempt), ATTEMPT))?.value;
  }

  /** Changes an attempt by compare-and-swap; `change` sees undefined where none is claimed yet. */
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
