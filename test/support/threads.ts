import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether this system shows the threads of a process. */
export const SHOWS_THREADS = existsSync('/proc/self/task');

/** Hundredths of a second of processor time after which it is plain which thread computes. */
const PLAIN_TICKS = 20;

/** The thread of a process that computes, by its id: the one that has had most of the processor since we look. */
export async function busiestThread(pid: number): Promise<number> {
  const before = ticksOf(pid);
  for (;;) {
    await sleep(100);
    const used = [...ticksOf(pid)].map(([id, now]) => [id, now - (before.get(id) ?? 0)] as const);
    const [id, most] = used.reduce((a, b) => (b[1] > a[1] ? b : a));
    if (most >= PLAIN_TICKS) return id;
  }
}

/** Waits until a process has no such thread. */
export async function threadEnds(pid: number, id: number): Promise<void> {
  while (existsSync(`/proc/${pid}/task/${id}`)) await sleep(10);
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
