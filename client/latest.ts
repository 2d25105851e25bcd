import { MissingHistory } from '../errors.ts';
import type { Records, VersionRecord } from '../store/records.ts';

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
