import type { VersionRecord } from '../../store/records.ts';
import { runUrl } from '../../tracking/mlflow/links.ts';
import type { Session } from '../session.ts';

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
