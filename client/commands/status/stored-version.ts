import { WorkflowNotFoundError } from '@temporalio/client';
import type { Session } from '../../session.ts';
import { latestOf, staleOf } from '../../versions.ts';
import { pendingOf } from '../../waiting.ts';
import { type Origin, originOf } from '../../why/origin.ts';
import {
  DamagedArtifact,
  type RetrainError,
  StorageRefused,
  StorageUnavailable,
} from '../../../contract/failures.ts';
import { isOpen } from '../../../contract/workflow-status.ts';
import type { VersionRecord } from '../../../store/records.ts';
import type { Stale } from '../../../store/stale.ts';
import { runUrl } from '../../../tracking/place.ts';

/** What the store and, of a version that is still to be logged, Temporal know. */
export interface Stored {
  version: VersionRecord | null;
  origins: (Origin & { stage: string })[];
  tracked: TrackedNow | null;
  /** The batches amended since it was built; null for none. */
  stale: Stale | null;
  /** How far the logging is that was put off. */
  logging: Logging | null;
  error: RetrainError | null;
}

/** What keeps the store from telling, and Temporal not. */
const TELLABLE = [StorageUnavailable, StorageRefused, DamagedArtifact] as const;

const NOTHING = { version: null, origins: [], tracked: null, stale: null, logging: null };

/** The version that stands, or why the store cannot tell. */
export async function storedVersion(
  session: Session,
  pipeline: string,
  batch: number,
): Promise<Stored> {
  try {
    const version = (await latestOf(session.store.records, pipeline, batch)) ?? null;
    if (version === null) return { ...NOTHING, error: null };
    const [origins, tracked, stale] = await Promise.all([
      originsOf(session, version),
      trackedNow(session, version),
      staleOf(session.store, pipeline),
    ]);
    const logging = tracked === null ? await loggingNow(session, version) : null;
    const own = stale.find((one) => one.version === batch) ?? null;
    return { version, origins, tracked, stale: own, logging, error: null };
  } catch (error) {
    if (!TELLABLE.some((kind) => error instanceof kind)) throw error;
    return { ...NOTHING, error: error as RetrainError };
  }
}

/** Where each stage of a build comes from, against the build before it. */
async function originsOf(
  { store }: Session,
  record: VersionRecord,
): Promise<(Origin & { stage: string })[]> {
  const { pipeline, version, seq } = record;
  const previous = await store.records.read(pipeline, version, seq - 1);
  return record.stages.map((ran) => ({
    stage: ran.stage,
    ...originOf(ran, { cached: ran.cached, previous }),
  }));
}

/** Where a build is logged now. */
export interface TrackedNow {
  modelName: string;
  modelVersion: string | null;
  url: string;
}

/** Where a build is logged now: its attempt knows, also after `log N` has logged it elsewhere. */
export async function trackedNow(
  { store }: Session,
  { pipeline, attempt, stages }: VersionRecord,
): Promise<TrackedNow | null> {
  const now = await store.attempts.read(pipeline, attempt);
  if (now?.tracking_uri == null || now.experiment_id === null || now.run_id === null) return null;
  const scored = stages.find(({ stage }) => stage === 'evaluate');
  if (now.logged['evaluate'] !== scored?.key) return null; // put off half way
  return {
    modelName: now.model_name ?? pipeline,
    modelVersion: now.model_version,
    // A directory's place says after the # which one it is.
    url: runUrl(now.tracking_uri.replace(/#.*$/, ''), now.experiment_id, now.run_id),
  };
}

/** The workflow that logs a version whose logging was put off. */
export interface Logging {
  workflowId: string;
  attempt: number;
  /** Why the try before this one failed. */
  message: string | null;
}

/** The one that is at it, whether the run began it or a person; null when none is. */
export async function loggingNow(
  { client }: Session,
  { pipeline, version, seq }: Pick<VersionRecord, 'pipeline' | 'version' | 'seq'>,
): Promise<Logging | null> {
  for (const workflowId of [`${pipeline}-log-${version}.${seq}`, `${pipeline}-log-${version}`]) {
    try {
      const { status, raw } = await client.workflow.getHandle(workflowId).describe();
      if (!isOpen(status)) continue;
      const [tried] = pendingOf(raw);
      return { workflowId, attempt: tried?.attempt ?? 1, message: tried?.message ?? null };
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }
  return null;
}
