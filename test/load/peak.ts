import { existsSync, readFileSync } from 'node:fs';

/**
 * The most memory a process has had resident so far, in megabytes; NaN where the system does not say.
 * https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */
export function peakMegabytes(pid: number): number {
  const file = `/proc/${pid}/status`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return Math.round(Number(/^VmHWM:\s+(\d+) kB/m.exec(text)?.[1]) / 1024);
}
