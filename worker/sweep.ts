import { tmpdir } from 'node:os';
import { scratchFolder } from '../activities/local-file.ts';
import { stackDir } from '../config.ts';
import { sweepOwnFolders } from '../own-folder.ts';

/**
 * Removes what processes that were killed left on this machine's disk: batches half cut, models half
 * stored, sources and backups half brought; as large as the data, and of no use to anybody.
 * @param root the project folder
 * @returns how many folders were removed
 */
export async function sweepLeft(root: string): Promise<number> {
  const parents = new Set([scratchFolder(root), tmpdir(), stackDir(root)]);
  const removed = await Promise.all([...parents].map(sweepOwnFolders));
  return removed.reduce((sum, count) => sum + count, 0);
}
