import { BadParams } from '../contract/failures.ts';
import type { FindMissingRequest } from '../contract/activities.ts';
import type { Store } from '../store/index.ts';
import { RETRAIN } from '../contract/command.ts';

/** The most versions that one run builds first: each of them adds events to the history of that run. */
const MOST = 500;

/**
 * The versions before one that have no record, in order.
 * @throws BadParams when there are too many for one run.
 */
export async function findMissing(
  { store }: { store: Pick<Store, 'records'> },
  { pipeline, before }: FindMissingRequest,
): Promise<number[]> {
  const built = new Set((await store.records.list(pipeline)).map(({ version }) => version));
  const missing: number[] = [];
  for (let version = 1; version < before; version++) {
    if (!built.has(version)) missing.push(version);
    if (missing.length > MOST)
      throw new BadParams(
        `more than ${MOST} versions before ${before} of ${pipeline} are missing: build them in portions, the first with "${RETRAIN} run ${version} --with-missing --pipeline ${pipeline}"`,
      );
  }
  return missing;
}
