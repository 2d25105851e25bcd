import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { needs } from './needs.ts';

/** Options of a test that calls {@link countOpen}. */
export const needsOpenFiles = needs(
  existsSync('/proc/self/fd') ? undefined : 'this system does not show open files',
);

/** How many times this process has a file open, or the removed file that had its path. */
export function countOpen(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return [path, `${path} (deleted)`].includes(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}
