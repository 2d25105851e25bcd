import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { compareLeft, type Findings } from './compare.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { openGround, type Ground } from './ground.ts';
import { readLeft, type Left } from './left.ts';
import type { Servers } from './servers.ts';

/** How a round went. */
export interface Round extends Findings {
  fault: FaultName;
  /** When in the run the fault came, milliseconds from its start. */
  at: number;
  completed: boolean;
  /** From the fault until what it broke was whole again, milliseconds. */
  away: number;
  /** From there to the end of the run, milliseconds. */
  recovery: number;
}

/** An undisturbed run: what it left, and how long it took. */
export interface Calm {
  left: Left;
  durationMs: number;
}

/** Runs the batch in peace. */
export async function runCalm(name: string): Promise<Calm> {
  const ground = await openGround(name);
  try {
    await ground.startWorker();
    const begun = Date.now();
    await ground.start();
    const summary = await ground.result();
    const durationMs = Date.now() - begun;
    return { left: await readLeft(ground, summary), durationMs };
  } finally {
    await ground.close();
  }
}

/** Runs the batch, does harm at a random moment of it, waits for its end and compares what it left. */
export async function runRound(
  servers: Servers,
  calm: Calm,
  { name, fault, random }: { name: string; fault: FaultName; random: () => number },
): Promise<Round> {
  const ground = await openGround(name);
  const at = Math.round(random() * calm.durationMs * 1.1);
  try {
    await ground.startWorker();
    await ground.start();
    await sleep(at);
    const struck = Date.now();
    let whole = struck;
    const mended = (): void => void (whole = Date.now());
    await FAULTS[fault]({ ground, servers, random, mended });
    const summary = await ground.result();
    const away = whole - struck;
    const recovery = Math.max(0, Date.now() - whole);
    await drain(ground);
    return {
      fault,
      at,
      completed: true,
      away,
      recovery,
      ...compareLeft(calm.left, await readLeft(ground, summary)),
    };
  } catch (error) {
    return {
      fault,
      at,
      completed: false,
      away: 0,
      recovery: 0,
      wrong: [messageOf(error)],
      duplicates: [],
    };
  } finally {
    await ground.close();
  }
}

/** What is still in a worker's hands is let go of before anything is counted. */
async function drain({ workers }: Ground): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()));
}
