import { z } from 'zod';
import type { Shape } from './documents.ts';
import { executionSchema, fact } from './stage-cache.ts';
import { isObject } from '../contract/canonical-json.ts';
import { refSchema } from '../contract/ref.ts';
import { RETRAIN } from '../contract/command.ts';

const stageSchema = z.strictObject({
  stage: z.string(),
  key: z.string(),
  code: z.int(),
  params: z.record(z.string(), z.unknown()),
  libraries: z.record(z.string(), z.string()),
  cached: z.boolean(),
  /** The workflow execution that produced the outputs. */
  producer: executionSchema,
  started_at: z.string(),
  duration_ms: z.number(),
  inputs: z.record(z.string(), refSchema),
  outputs: z.record(z.string(), refSchema),
  facts: z.record(z.string(), fact),
  warnings: z.array(z.string()),
});

const comparisonSchema = z.strictObject({
  /** The other build. */
  version: z.int(),
  seq: z.int(),
  /** What it is for this build: the version before, the champion, or both. */
  roles: z.array(z.enum(['before', 'champion'])),
  /** Its scores on these rows, and for some of them whether this build is better, worse or within noise. */
  facts: z.record(z.string(), fact),
});

const recordSchema = z.strictObject({
  schema: z.literal(3),
  pipeline: z.string(),
  /** N: the version is built from batches 1..N. */
  version: z.int().min(1),
  /** The number of this build of the version, from 1. */
  seq: z.int().min(1),
  /** A hash of the training attempt and of every stage's key: the same for two runs that build the same. */
  build: z.string(),
  ledger_revision: z.int(),
  params: z
    .record(z.string(), z.unknown())
    .refine(({ data, model }) => isObject(data) && isObject(model), 'not the params of a run'),
  params_hash: z.string(),
  stages: z.array(stageSchema),
  metrics: z.record(z.string(), z.number()),
  workflow: executionSchema,
  /** The commit that the worker ran, if it was known. */
  git_commit: z.string().nullable(),
  forced: z.boolean(),
  /** For a build that was made as a trial: the params in which it differed. It may have been published since. */
  trial: z.record(z.string(), z.unknown()).nullable(),
  /** The scores of other builds on the test rows of this one. */
  comparisons: z.array(comparisonSchema),
  /** The training attempt. The MLflow run is found by it, or created again on another server. */
  attempt: z.string(),
  /** Null if it was not logged. */
  mlflow: z
    .strictObject({
      tracking_uri: z.string(),
      experiment_id: z.string(),
      run_id: z.string(),
      model_name: z.string(),
      model_version: z.string().nullable(),
    })
    .nullable(),
  /** Objects that were missing or damaged, and that this build has made again. */
  healed: z.array(z.strictObject({ path: z.string(), md5: z.string() })),
  created_at: z.iso.datetime(),
});

export const RECORD: Shape<z.infer<typeof recordSchema>> = {
  schema: 3,
  shape: recordSchema,
  upgrades: {
    1: (older) => ({ ...older, trial: null, comparisons: [] }),
    // There was no champion, and builds were compared with the one before.
    2: ({ comparisons, ...rest }) => ({
      ...rest,
      comparisons: Array.isArray(comparisons)
        ? comparisons.map((one: object) => ({ ...one, roles: ['before'] }))
        : comparisons,
    }),
  },
  repair: `restore it from a backup, or build the version again with "${RETRAIN} run N --force"`,
};

/** Everything about one build of version N. */
export type VersionRecord = z.infer<typeof recordSchema>;

/** Names one build of a version. */
export type BuildOf = Pick<VersionRecord, 'pipeline' | 'version' | 'seq'>;

function versionFolder(pipeline: string, version: number): string {
  return `versions/${pipeline}/${String(version).padStart(6, '0')}`;
}

export function recordKey(pipeline: string, version: number, seq: number): string {
  return `${versionFolder(pipeline, version)}/${String(seq).padStart(6, '0')}.json`;
}

/** The key of the document with the numbers of a version's builds, and which is the latest. */
export function latestKey(pipeline: string, version: number): string {
  return `${versionFolder(pipeline, version)}/latest.json`;
}
