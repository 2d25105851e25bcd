import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Distinguishes a process from a later one with the same pid: its start time, and on Linux the id of the
 * boot, because start times count from it. Undefined when no such process runs; a zombie does not run.
 */
export function processIdentity(pid: number): string | undefined {
  if (process.platform !== 'linux') return identityFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name is in parentheses and may hold spaces and parentheses: count after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** The same by `ps`, which every Unix has. */
export function identityFromPs(pid: number): string | undefined {
  // One option for each column: outside Linux, the text after = up to the end is one heading.
  const columns = ['-o', 'stat=', '-o', 'lstart='];
  try {
    const line = execFileSync('ps', [...columns, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, // each process must read the same text
    }).trim();
    const [, state = '', start = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return state.startsWith('Z') || start === '' ? undefined : start;
  } catch {
    return undefined;
  }
}
