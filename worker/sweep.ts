import type { Logger } from 'pino';
import { sweepOwnFolders } from '../store/own-folder.ts';
import type { LocalCache } from '../store/local-cache.ts';

/**
 * Removes the temporary files of killed processes from this machine's disk: half of a batch, a model, a
 * source or a backup. They can be as large as the data. The number of removed folders is logged.
 * @param parents the folders that hold such files
 */
export async function sweepLeft(
  parents: readonly string[],
  local: LocalCache,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<void> {
  try {
    const [removed] = await Promise.all([
      Promise.all([...new Set(parents)].map(sweepOwnFolders)),
      local.sweep(),
    ]);
    const folders = removed.reduce((sum, count) => sum + count, 0);
    if (folders > 0) log.info({ folders }, 'removed temporary files of killed processes');
  } catch (error) {
    log.warn({ err: error }, 'could not check for temporary files of killed processes');
  }
}
