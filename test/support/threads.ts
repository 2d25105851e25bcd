import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether this system shows the threads of a process. */
export const SHOWS_THREADS = existsSync('/proc/self/task');

/** Ticks of processor time that a thread must take in a while to count as one that computes. */
const BUSY_TICKS = 15;

/** Threads of a process that compute, by their ids: they use the processor for most of a while. */
export async function busyThreads(pid: number): Promise<number[]> {
  const before = ticksOf(pid);
  await sleep(500);
  const after = ticksOf(pid);
  return [...after]
    .filter(([id, ticks]) => ticks - (before.get(id) ?? 0) >= BUSY_TICKS)
    .map(([id]) => id);
}

/** Waits until none of these threads of a process is there. */
export async function threadsEnd(pid: number, ids: readonly number[]): Promise<void> {
  while (ids.some((id) => existsSync(`/proc/${pid}/task/${id}`))) await sleep(10);
}

function ticksOf(pid: number): Map<number, number> {
  const ids = readdirSync(`/proc/${pid}/task`).map(Number);
  return new Map(ids.map((id) => [id, usedBy(`/proc/${pid}/task/${id}/stat`)]));
}

/** User and system time: the 14th and 15th fields, counted behind a name that may hold anything. */
function usedBy(file: string): number {
  try {
    const text = readFileSync(file, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return 0; // it has ended meanwhile
  }
}
