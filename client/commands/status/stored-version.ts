import { WorkflowNotFoundError } from '@temporalio/client';
import type { Session } from '../../session.ts';
import { findStale, readTracked, type TrackedNow } from '../../versions.ts';
import { listPendingStages } from '../../waiting.ts';
import { type Origin, findOrigin } from '../../origin.ts';
import {
  DamagedArtifact,
  type RetrainError,
  StorageRefused,
  StorageUnavailable,
} from '../../../contract/failures.ts';
import { isOpen } from '../../../contract/execution.ts';
import { nameBuild } from '../../../contract/versions.ts';
import type { ChampionHistory } from '../../../store/champions.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import type { Stale } from '../../../store/ledger/read.ts';

/** The stored facts of a version and, while it waits to be logged, the state of that workflow. */
export interface Stored {
  version: VersionRecord | null;
  origins: (Origin & { stage: string })[];
  tracked: TrackedNow | null;
  /** The batches that were amended after it was built; null for none. */
  stale: Stale | null;
  /** The state of deferred logging. */
  logging: Logging | null;
  /** The record of promotions; null before the first. */
  history: ChampionHistory | null;
  error: RetrainError | null;
}

/** Errors of the store. After one of them, the latest run can still be shown. */
const STORE_ERRORS = [StorageUnavailable, StorageRefused, DamagedArtifact] as const;

const NOTHING = {
  version: null,
  origins: [],
  tracked: null,
  stale: null,
  logging: null,
  history: null,
};

/** The current version, or the error of the store. */
export async function readStoredVersion(
  session: Session,
  pipeline: string,
  batch: number,
): Promise<Stored> {
  try {
    const { bucket, records } = session.store;
    // A read in a bucket that cannot exist finds nothing, which is no version that has not been built.
    const [latest] = await Promise.all([records.readLatest(pipeline, batch), bucket.ensure()]);
    const version = latest ?? null;
    if (version === null) return { ...NOTHING, error: null };
    const [origins, tracked, stale, history] = await Promise.all([
      listOrigins(session, version),
      readTracked(session, version),
      findStale(session.store, version),
      session.store.champions.read(pipeline),
    ]);
    const logging = tracked === null ? await findLogging(session, version) : null;
    return {
      version,
      origins,
      tracked,
      stale,
      logging,
      history: history ?? null,
      error: null,
    };
  } catch (error) {
    if (!STORE_ERRORS.some((kind) => error instanceof kind)) throw error;
    return { ...NOTHING, error: error as RetrainError };
  }
}

/** Where each stage of a build comes from, compared with the build before. */
async function listOrigins(
  { store }: Session,
  record: VersionRecord,
): Promise<(Origin & { stage: string })[]> {
  const { pipeline, version, seq } = record;
  const previous = await store.records.read(pipeline, version, seq - 1);
  return record.stages.map((ran) => ({
    stage: ran.stage,
    ...findOrigin(ran, { cached: ran.cached, previous }),
  }));
}

/** The workflow that logs a version whose logging was deferred. */
export interface Logging {
  workflowId: string;
  attempt: number;
  /** Why the attempt before this one failed. */
  message: string | null;
}

/** The running workflow that logs a version, started by the run or by a person; null when there is none. */
export async function findLogging(
  { client }: Session,
  { pipeline, ...build }: Pick<VersionRecord, 'pipeline' | 'version' | 'seq'>,
): Promise<Logging | null> {
  for (const name of [nameBuild(build), build.version]) {
    const workflowId = `${pipeline}-log-${name}`;
    try {
      const { status, raw } = await client.workflow.getHandle(workflowId).describe();
      if (!isOpen(status)) continue;
      const [tried] = listPendingStages(raw);
      return { workflowId, attempt: tried?.attempt ?? 1, message: tried?.message ?? null };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return null;
}
