import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf } from '../store/process-identity.ts';
import { membersOf } from './members.ts';
import { forget, liveProcess } from './process.ts';
import type { PartName } from './types.ts';

/**
 * Ends every process of a part: the leader is asked first, so that it can end its children in order;
 * what is left is asked too, and killed only after the grace time. Only verified processes get a signal.
 * @returns whether there was anything to end, and whether it had to be killed.
 */
export async function stopPart(
  dir: string,
  part: PartName,
  graceMs: number,
): Promise<{ found: boolean; killed: boolean }> {
  const leader = liveProcess(dir, part);
  let killed = false;
  if (leader !== undefined) {
    send(leader.pid, leader.identity, 'SIGTERM');
    await gone(() => identityOf(leader.pid) !== leader.identity, graceMs);
  }
  const left = await membersOf(dir, part);
  const found = leader !== undefined || left.length > 0;
  if (left.length > 0) {
    const known = left.map((pid) => ({ pid, identity: identityOf(pid) }));
    const allGone = (): boolean => known.every(({ pid, identity }) => identityOf(pid) !== identity);
    for (const { pid, identity } of known) send(pid, identity, 'SIGTERM');
    if (!(await gone(allGone, 5000))) {
      killed = true;
      for (const { pid, identity } of known) send(pid, identity, 'SIGKILL');
      await gone(allGone, 5000);
    }
  }
  forget(dir, part);
  return { found, killed };
}

function send(pid: number, identity: string | undefined, signal: NodeJS.Signals): void {
  if (identity === undefined || identityOf(pid) !== identity) return;
  try {
    process.kill(pid, signal);
  } catch {
    // ended between the check and the signal
  }
}

async function gone(done: () => boolean, patienceMs: number): Promise<boolean> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(40)) {
    if (done()) return true;
  }
  return done();
}
