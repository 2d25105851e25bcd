import { z } from 'zod';
import { MissingHistory } from '../errors.ts';
import type { Bucket } from './bucket.ts';
import { canonicalJson } from '../pipeline/json.ts';
import { createDocument, readDocument, swapDocument } from './documents.ts';
import { refOf } from './hash.ts';
import { refSchema, type Ref } from './ref.ts';
import { fact } from './stage-cache.ts';

const stageSchema = z.strictObject({
  stage: z.string(),
  key: z.string(),
  code: z.int(),
  cached: z.boolean(),
  /** The workflow execution that produced the outputs. */
  producer: z.strictObject({ workflowId: z.string(), runId: z.string() }),
  started_at: z.string(),
  duration_ms: z.number(),
  inputs: z.record(z.string(), refSchema),
  outputs: z.record(z.string(), refSchema),
  facts: z.record(z.string(), fact),
  warnings: z.array(z.string()),
});

const recordSchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  /** N: what the pipeline made of batches 1..N. */
  version: z.int().min(1),
  /** Counts the builds of this version from 1. */
  seq: z.int().min(1),
  /** Names what was built: equal for two runs whose every stage and attempt are the same. */
  build: z.string(),
  ledger_revision: z.int(),
  params: z.record(z.string(), z.unknown()),
  params_hash: z.string(),
  stages: z.array(stageSchema),
  metrics: z.record(z.string(), z.number()),
  workflow: z.strictObject({ workflowId: z.string(), runId: z.string() }),
  mlflow: z.strictObject({
    experiment_id: z.string(),
    run_id: z.string(),
    model_name: z.string(),
    model_version: z.string(),
  }),
  /** Objects that were missing or damaged and were made again by this build. */
  healed: z.array(z.strictObject({ path: z.string(), md5: z.string() })),
  created_at: z.string(),
});

const indexSchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  versions: z.array(
    z.strictObject({
      version: z.int(),
      seq: z.int(),
      created_at: z.string(),
      rows: z.int(),
      metrics: z.record(z.string(), z.number()),
      model_version: z.string(),
      run_id: z.string(),
    }),
  ),
});

const latestSchema = z.strictObject({ schema: z.literal(1), seq: z.int().min(1) });

/** Everything about one build of version N. */
export type VersionRecord = z.infer<typeof recordSchema>;
/** One line of the index: the headline of a version's latest build. */
export type VersionLine = z.infer<typeof indexSchema>['versions'][number];

/** Version records: immutable, numbered by build, with a `latest` pointer and an index per pipeline. */
export class Records {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  /**
   * Publishes a build of a version: writes its record under the next free number, moves `latest` to it
   * and enters it in the index. Repeating it (a retry, a twin run) finds the same build and adds nothing.
   * @returns the record that stands, and its reference.
   */
  async publish(
    draft: Omit<VersionRecord, 'schema' | 'seq'>,
    line: { rows: number },
  ): Promise<{ record: VersionRecord; ref: Ref }> {
    const record = await this.#create(draft);
    await this.#moveLatest(record);
    await this.#enterInIndex(record, line);
    const key = recordKey(record.pipeline, record.version, record.seq);
    return { record, ref: refOf(key, Buffer.from(canonicalJson(record))) };
  }

  /**
   * The latest record of a version.
   * @throws MissingHistory when version N has not been built.
   */
  async latest(pipeline: string, version: number): Promise<VersionRecord> {
    const pointer = await readDocument(this.#bucket, latestKey(pipeline, version), latestSchema);
    const record =
      pointer === undefined ? undefined : await this.read(pipeline, version, pointer.value.seq);
    if (record === undefined)
      throw new MissingHistory(
        `version ${version} of ${pipeline} has not been built: run it with "run ${version}"`,
      );
    return record;
  }

  async read(pipeline: string, version: number, seq: number): Promise<VersionRecord | undefined> {
    const key = recordKey(pipeline, version, seq);
    return (await readDocument(this.#bucket, key, recordSchema))?.value;
  }

  /** The headline of every version, ordered by version: one read, however many there are. */
  async list(pipeline: string): Promise<VersionLine[]> {
    const index = await readDocument(this.#bucket, indexKey(pipeline), indexSchema);
    return index?.value.versions ?? [];
  }

  async #create(draft: Omit<VersionRecord, 'schema' | 'seq'>): Promise<VersionRecord> {
    const { pipeline, version } = draft;
    const pointer = await readDocument(this.#bucket, latestKey(pipeline, version), latestSchema);
    for (let seq = pointer?.value.seq ?? 1; ; seq++) {
      const standing = await this.read(pipeline, version, seq);
      if (standing?.build === draft.build) return standing;
      if (standing !== undefined) continue;
      const record: VersionRecord = { schema: 1, ...draft, seq };
      if (await createDocument(this.#bucket, recordKey(pipeline, version, seq), record))
        return record;
      seq--; // another build took this number a moment ago: look at it again
    }
  }

  async #moveLatest(record: VersionRecord): Promise<void> {
    const key = latestKey(record.pipeline, record.version);
    await swapDocument(this.#bucket, key, latestSchema, (current) =>
      current !== undefined && current.seq >= record.seq
        ? current
        : { schema: 1 as const, seq: record.seq },
    );
  }

  async #enterInIndex(record: VersionRecord, { rows }: { rows: number }): Promise<void> {
    const line: VersionLine = {
      version: record.version,
      seq: record.seq,
      created_at: record.created_at,
      rows,
      metrics: record.metrics,
      model_version: record.mlflow.model_version,
      run_id: record.mlflow.run_id,
    };
    await swapDocument(this.#bucket, indexKey(record.pipeline), indexSchema, (current) => {
      const versions = current?.versions ?? [];
      const standing = versions.find((other) => other.version === line.version);
      if (current !== undefined && standing !== undefined && standing.seq >= line.seq)
        return current;
      const others = versions.filter((other) => other.version !== line.version);
      return {
        schema: 1 as const,
        pipeline: record.pipeline,
        versions: [...others, line].toSorted((a, b) => a.version - b.version),
      };
    });
  }
}

function versionFolder(pipeline: string, version: number): string {
  return `versions/${pipeline}/${String(version).padStart(6, '0')}`;
}

export function recordKey(pipeline: string, version: number, seq: number): string {
  return `${versionFolder(pipeline, version)}/${String(seq).padStart(6, '0')}.json`;
}

function latestKey(pipeline: string, version: number): string {
  return `${versionFolder(pipeline, version)}/latest.json`;
}

function indexKey(pipeline: string): string {
  return `versions/${pipeline}/index.json`;
}
