import { DamagedArtifact, messageOf, MissingHistory } from '../contract/failures.ts';
import { parseParams, type Params } from '../contract/params.ts';
import { paramsSchema } from '../pipeline/models/params.ts';
import { hashOf } from './hash.ts';
import type { Store } from './index.ts';
import { makeChangedRecordError } from './records.ts';
import type { BuildOf, VersionRecord } from './version-record.ts';
import type { Ref } from '../contract/ref.ts';
import { stageKey, type CacheEntry } from './stage-cache.ts';
import { isOutputPath } from '../contract/stages.ts';
import { RETRAIN } from '../contract/command.ts';

type StageRecord = VersionRecord['stages'][number];

/**
 * The params of a record, with the defaults of those that an earlier program did not have.
 * @throws DamagedArtifact when no run can have had them
 */
export function readParams(record: VersionRecord): Params {
  try {
    return parseParams(paramsSchema, record.params, 'its params');
  } catch (error) {
    throw makeChangedRecordError(record, messageOf(error));
  }
}

/**
 * Returns the record of a build after checking it against itself and the stage cache.
 * @param seq the number of the build; the latest of the version unless it is given
 * @throws MissingHistory when version N has not been built, or gc has removed its artifacts
 * @throws DamagedArtifact when the record has been changed since it was written
 */
export async function readSoundRecord(
  { records, cache }: Pick<Store, 'records' | 'cache'>,
  pipeline: string,
  version: number,
  seq?: number,
): Promise<VersionRecord> {
  const record = await records.readBuild({ pipeline, version, seq });
  await requireKept(records, record);
  const found = await Promise.all(
    record.stages.map(async (stage) => {
      // "verify" reports an entry that is missing or damaged. The record does not need it.
      const entry = await cache.read(stage.stage, stage.key).catch(ignoreDamage);
      return entry === undefined ? [] : entryFaults(stage, entry);
    }),
  );
  const [fault] = [...recordFaults(record, pipeline, version), ...found.flat()];
  if (fault === undefined) return record;
  throw makeChangedRecordError({ pipeline, version, seq: record.seq }, fault);
}

/** @throws MissingHistory when gc has removed the artifacts of this build */
export async function requireKept(
  records: Pick<Store['records'], 'collectedAt'>,
  build: BuildOf,
): Promise<void> {
  const collected = await records.collectedAt(build);
  if (collected !== undefined) throw removedByGc(build, collected);
}

/** The error for a build whose artifacts gc has removed. Its record stays. */
export function removedByGc({ pipeline, version }: BuildOf, collected: string): MissingHistory {
  return new MissingHistory(
    `version ${version} of ${pipeline} was not kept by gc on ${collected.slice(0, 10)}; its record stays: build it again with "${RETRAIN} run ${version} --pipeline ${pipeline}"`,
  );
}

/**
 * Returns the reference of an output that every record names.
 * @throws DamagedArtifact when this record does not name it
 */
export function outputOf(record: VersionRecord, stage: string, output: string): Ref {
  const ref = record.stages.find((one) => one.stage === stage)?.outputs[output];
  if (ref !== undefined) return ref;
  throw makeChangedRecordError(record, `it names no ${output} of ${stage}`);
}

/** Returns the contradictions in a record, or between it and its key. A record as it was written has none. */
export function recordFaults(record: VersionRecord, pipeline: string, version: number): string[] {
  const faults: string[] = [];
  if (record.pipeline !== pipeline || record.version !== version)
    faults.push(`it says it is of version ${record.version} of ${record.pipeline}`);
  if (hashOf(record.params) !== record.params_hash)
    faults.push('its params do not match its params_hash');
  for (const stage of record.stages)
    if (![version, null].some((batch) => stageKey({ ...hashedFields(stage), batch }) === stage.key))
      faults.push(`its ${stage.stage} does not match the hash in the stage's key`);
  for (const { stage, outputs } of record.stages)
    for (const [output, { path }] of Object.entries(outputs))
      if (!isOutputPath({ stage, output, version }, path))
        faults.push(`it names ${JSON.stringify(path)}, which is no path of ${output} of ${stage}`);
  return faults;
}

/** Returns the differences between a record and the stage cache about a stage. Paths are not compared. */
export function entryFaults(stage: StageRecord, entry: CacheEntry): string[] {
  if (!isSoundEntry(entry) || entry.key !== stage.key) return []; // then the entry is damaged, not the record
  return (['inputs', 'outputs'] as const)
    .filter((side) => hashOf(withoutPaths(stage[side])) !== hashOf(withoutPaths(entry[side])))
    .map((side) => `its ${side} of ${stage.stage} differ from those in the stage cache`);
}

/** Whether a cache entry's key is the hash of the entry's fields. */
export function isSoundEntry(entry: CacheEntry): boolean {
  return stageKey({ ...hashedFields(entry), batch: entry.batch }) === entry.key;
}

/** The fields that a key is a hash of, except the batch: a record does not repeat it. */
function hashedFields({ stage, code, params, libraries, inputs }: StageRecord | CacheEntry) {
  return { stage, code, params, libraries, inputs };
}

/** Pipelines share the cache, and may store the same bytes under other paths. */
function withoutPaths(refs: Record<string, Ref>): Record<string, Omit<Ref, 'path'>> {
  return Object.fromEntries(
    Object.entries(refs).map(([name, { md5, sha256, size }]) => [name, { md5, sha256, size }]),
  );
}

function ignoreDamage(error: unknown): undefined {
  if (!(error instanceof DamagedArtifact)) throw error;
}
