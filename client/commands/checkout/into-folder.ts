import { Conflict } from '../../../contract/failures.ts';
import { withFileLock } from '../../../store/file-lock.ts';
import type { Store } from '../../../store/index.ts';
import { LocalCache } from '../../../store/local-cache.ts';
import { readSoundRecord } from '../../../store/record-check.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { say } from '../../print.ts';
import { planCheckout, listWantedFiles, type WantedFile } from './plan.ts';
import { lockFile, makeNotes, readCheckoutState, readWorkingTree } from './working-tree.ts';
import { fetchMissing, writeCheckout } from './write.ts';

/** The version to check out, and the folder to write it into. */
export interface CheckoutRequest {
  pipeline: string;
  version: number | 'champion';
  /** The working tree; absolute. */
  out: string;
  /** The folder of the local cache. */
  cache: string;
  /** Overwrites and removes edited files too. */
  force?: boolean | undefined;
}

/** The result of a checkout. */
export interface CheckedOut {
  pipeline: string;
  version: number;
  out: string;
  written: string[];
  kept: string[];
  removed: string[];
  fetchedBytes: number;
}

async function readChampion(store: Store, pipeline: string): Promise<VersionRecord> {
  const { version, seq } = await store.champions.readChampion(pipeline);
  return readSoundRecord(store, pipeline, version, seq);
}

/**
 * Checks a version out into a folder, while no other checkout writes there.
 * @returns what it did, and the files of the version
 * @throws Conflict when edited files would be lost
 */
export async function checkoutInto(
  store: Store,
  request: CheckoutRequest,
  signal: AbortSignal,
): Promise<{ done: CheckedOut; wanted: ReadonlyMap<string, WantedFile> }> {
  const { pipeline, out } = request;
  const record =
    request.version === 'champion'
      ? await readChampion(store, pipeline)
      : await readSoundRecord(store, pipeline, request.version);
  const { version } = record;
  await makeNotes(out);
  const work = async () => {
    const wanted = await listWantedFiles(store.artifacts, record);
    const cache = new LocalCache(request.cache);
    await cache.sweep();
    const state = await readCheckoutState(out);
    const found = await readWorkingTree({ folder: out, state, cache }, wanted);
    const plan = planCheckout(wanted, Object.keys(state?.files ?? {}), found);
    if (plan.edited.length > 0 && request.force !== true)
      throw refuseEdited(plan.edited, { out, version });
    const refs = plan.write.map((path) => wanted.get(path)!.ref);
    const from = { bucket: store.bucket, pipeline };
    const { cached, fetchedBytes } = await fetchMissing(from, cache, refs, signal);
    const built = { pipeline, version };
    await writeCheckout({ folder: out, version: built, wanted, plan, state, cached, signal });
    const { write: written, keep: kept, remove: removed } = plan;
    const done = { pipeline, version, out, written, kept, removed, fetchedBytes };
    return { done, wanted };
  };
  return withFileLock(lockFile(out), work, (pid) =>
    say(`process ${pid} checks out into ${out}: waiting for it`),
  );
}

/** The most files that the error names. It counts the others. */
const MOST_NAMED = 10;

/** The error for files whose bytes would be lost. */
function refuseEdited(
  edited: readonly string[],
  { out, version }: { out: string; version: number },
): Conflict {
  const more = edited.length - MOST_NAMED;
  const named = edited.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const hold = edited.length === 1 ? 'holds' : 'hold';
  return new Conflict(
    `${named} in ${out} ${hold} bytes that no checkout wrote, and checking out version ${version} would lose them: keep a copy elsewhere, then give --force`,
  );
}
