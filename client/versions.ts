import { makeNoVersionError } from '../contract/versions.ts';
import type { Ref } from '../contract/ref.ts';
import { findEntry } from '../contract/stages.ts';
import type { Store } from '../store/index.ts';
import type { VersionRecord } from '../store/version-record.ts';
import type { Ledger } from '../store/ledger/ledger.ts';
import { type Stale, staleVersions } from '../store/ledger/read.ts';
import type { StoreSession } from './session.ts';
import { makeRunUrl } from '../tracking/place.ts';

/**
 * The numbers of the versions of a pipeline, in order.
 * @throws MissingHistory when it has none
 */
export async function listVersions(
  { records }: Pick<Store, 'records'>,
  pipeline: string,
): Promise<number[]> {
  const lines = await records.list(pipeline);
  if (lines.length === 0) throw makeNoVersionError(pipeline);
  return lines.map(({ version }) => version);
}

/**
 * The versions of a pipeline whose batches were amended after they were built.
 * @param ledger of the pipeline, if there is one
 */
export async function listStale(
  { records }: Pick<Store, 'records'>,
  pipeline: string,
  ledger: Ledger | undefined,
): Promise<Stale[]> {
  if (ledger === undefined || ledger.amended.length === 0) return [];
  return staleVersions(ledger, await records.revisions(pipeline));
}

/** What was amended after a build was made; null where nothing was. */
export async function findStale(
  { ledgers }: Pick<Store, 'ledgers'>,
  record: VersionRecord,
): Promise<Stale | null> {
  const ledger = await ledgers.read(record.pipeline);
  return (ledger && staleVersions(ledger, [record])[0]) ?? null;
}

/** Why a version is stale, in one sentence. */
export function describeStale({ version, batches }: Stale): string {
  return `version ${version} is stale: ${nameBatches(batches)} ${batches.length === 1 ? 'was' : 'were'} amended after it was built`;
}

/** `batch 2`, or `batches 2, 3`. */
export function nameBatches(batches: readonly number[]): string {
  return batches.length === 1 ? `batch ${batches[0]}` : `batches ${batches.join(', ')}`;
}

/**
 * Lists the outputs that the stages of a record read for each batch, by the stage that makes them. For
 * prepare_batch these are the files of batches 1..N. A record itself names only the file of its own batch.
 */
export async function listEachBatch(
  artifacts: Pick<Store['artifacts'], 'list'>,
  { stages }: Pick<VersionRecord, 'stages'>,
): Promise<Map<string, Ref[]>> {
  const listed = new Map<string, Ref[]>();
  for (const { stage, inputs } of stages)
    for (const [name, ref] of Object.entries(inputs)) {
      const input = findEntry(stage)?.inputs[name];
      if (input === undefined || !('eachBatch' in input)) continue;
      const pathOf = findEntry(input.eachBatch)!.outputs[input.output]!;
      const files = await artifacts.list(ref);
      listed.set(
        input.eachBatch,
        files.map((file, i) => ({ ...file, path: pathOf(i + 1) })),
      );
    }
  return listed;
}

/** Where a build is logged now. */
export interface TrackedNow {
  modelName: string;
  modelVersion: string | null;
  url: string;
}

/**
 * Reads where a build is logged now. The training attempt knows it, even after `log N` has logged the build
 * elsewhere.
 */
export async function readTracked(
  { store }: { store: Pick<Store, 'attempts'> },
  { pipeline, attempt, stages }: VersionRecord,
): Promise<TrackedNow | null> {
  const now = await store.attempts.read(pipeline, attempt);
  if (now?.tracking_uri == null || now.experiment_id === null || now.run_id === null) return null;
  const scored = stages.find(({ stage }) => stage === 'evaluate');
  if (now.logged['evaluate'] !== scored?.key) return null; // only a part of it is logged
  return {
    modelName: now.model_name ?? pipeline,
    modelVersion: now.model_version,
    // After the #, the address of a tracking directory has the id of the directory.
    url: makeRunUrl(now.tracking_uri.replace(/#.*$/, ''), now.experiment_id, now.run_id),
  };
}

/** The default pipeline first, then those of params.yaml, then the others in the bucket. */
export async function listEveryPipeline({ config, store }: StoreSession): Promise<string[]> {
  const { pipelinesIn } = await import('../store/index.ts');
  const stored = await pipelinesIn(store.bucket);
  return [...new Set([config.pipeline, ...(config.pipelines ?? []), ...stored])];
}
