import { DamagedArtifact } from '../contract/failures.ts';
import type { Artifacts } from './artifacts.ts';
import { sha256 } from './hash.ts';
import { inParallel } from './parallel.ts';
import type { Ref } from '../contract/ref.ts';

/**
 * Files of a directory that a run checks; all of them, where there are no more. A HEAD costs a
 * millisecond of the worker's, and a cached run of many batches is to stay one of a moment.
 */
export const MOST_CHECKED = 8;

/**
 * Checks that the files of a directory are still there, by a HEAD each; of more than
 * {@link MOST_CHECKED} at so many, others in each run. What only reads a directory's name would take
 * it for whole, though a file of it were lost.
 * @param path of the directory, and of the files relative to it
 * @param runId by which runs look at different files
 * @throws DamagedArtifact naming a file that is missing or damaged, so that its maker makes it again
 */
export async function checkPresent(
  artifacts: Pick<Artifacts, 'has'>,
  path: string,
  files: readonly Ref[],
  runId: string,
): Promise<void> {
  const from = files.length > MOST_CHECKED ? numberOf(runId) % files.length : 0;
  const looked = [...files.slice(from), ...files.slice(0, from)].slice(0, MOST_CHECKED);
  await inParallel(looked, MOST_CHECKED, async (file) => {
    if (await artifacts.has(file)) return;
    const ref = { ...file, path: `${path}${file.path}` };
    throw new DamagedArtifact(
      `${ref.path} is missing from the store, or damaged: run its batch again to make it anew`,
      { details: { ref } },
    );
  });
}

/** A number by which to begin, the same for the tries of one run. */
function numberOf(runId: string): number {
  return Number.parseInt(sha256(runId).slice(0, 8), 16);
}
