import { MissingHistory } from '../contract/failures.ts';
import type { Records, VersionRecord } from '../store/records.ts';

/** Says that a pipeline has no version at all. */
export function noVersionYet(pipeline: string): MissingHistory {
  return new MissingHistory(
    `${pipeline} has no version yet: make one with "run 1 --pipeline ${pipeline}"`,
  );
}

/** The latest build of a version; undefined when it has not been built. */
export async function latestOf(
  records: Records,
  pipeline: string,
  version: number,
): Promise<VersionRecord | undefined> {
  try {
    return await records.latest(pipeline, version);
  } catch (error) {
    if (error instanceof MissingHistory) return undefined;
    throw error;
  }
}
