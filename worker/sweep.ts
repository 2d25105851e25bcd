import { tmpdir } from 'node:os';
import type { Logger } from 'pino';
import { scratchFolder, sweepOwnFolders } from '../store/own-folder.ts';
import { stackDir } from '../config/project-root.ts';
import type { LocalCache } from '../store/local-cache.ts';

/**
 * Removes the temporary files of killed processes from this machine's disk: half of a batch, a model, a
 * source or a backup. They can be as large as the data. The number of removed folders is logged.
 * @param root the project folder
 */
export async function sweepLeft(
  root: string,
  local: LocalCache,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<void> {
  const parents = new Set([scratchFolder(root), tmpdir(), stackDir(root)]);
  try {
    const [removed] = await Promise.all([
      Promise.all([...parents].map(sweepOwnFolders)),
      local.sweep(),
    ]);
    const folders = removed.reduce((sum, count) => sum + count, 0);
    if (folders > 0) log.info({ folders }, 'removed temporary files of killed processes');
  } catch (error) {
    log.warn({ err: error }, 'could not check for temporary files of killed processes');
  }
}
