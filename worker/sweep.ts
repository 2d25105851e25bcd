import { tmpdir } from 'node:os';
import type { Logger } from 'pino';
import { scratchFolder } from '../store/scratch.ts';
import { stackDir } from '../config/project-root.ts';
import { sweepOwnFolders } from '../store/own-folder.ts';
import type { LocalCache } from '../store/local-cache.ts';

/**
 * Removes what processes that were killed left on this machine's disk: batches half cut, models half
 * stored, sources and backups half brought; as large as the data, and of no use to anybody. What came of it
 * is logged.
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
    if (folders > 0) log.info({ folders }, 'removed what killed processes left on this disk');
  } catch (error) {
    log.warn({ err: error }, 'could not look what killed processes left');
  }
}
