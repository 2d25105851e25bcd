import {
  DamagedArtifact,
  StorageRefused,
  StorageUnavailable,
  type RetrainError,
} from '../../contract/failures.ts';
import type { VersionRecord } from '../../store/records.ts';
import type { Stale } from '../../store/stale.ts';
import { latestOf } from '../latest.ts';
import { loggingNow, type Logging } from './logging.ts';
import type { Session } from '../session.ts';
import { staleOf } from '../stale.ts';
import { trackedNow, type TrackedNow } from './tracked.ts';
import { originOf, type Origin } from '../why/origin.ts';

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
