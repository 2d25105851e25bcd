import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What tells a process from a later one with the same pid: its start time, and on Linux the boot,
 * because start times count from there. Undefined when no such process lives; a zombie does not.
 */
export function identityOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return identityFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, in parentheses, may hold spaces and parentheses: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

/** The same, by what every Unix has. */
export function identityFromPs(pid: number): string | undefined {
  // An option each: outside Linux the text after = is a heading that goes on to the end.
  const columns = ['-o', 'stat=', '-o', 'lstart='];
  try {
    const line = execFileSync('ps', [...columns, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' }, // else it is written as each process has them
    }).trim();
    const [, state = '', start = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return state.startsWith('Z') || start === '' ? undefined : start;
  } catch {
    return undefined;
  }
}
