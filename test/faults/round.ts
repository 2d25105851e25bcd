import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowNotFoundError } from '@temporalio/client';
import { promotionIdOf } from '../../contract/promotion.ts';
import { messageOf } from '../../contract/failures.ts';
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
  /** Whether the run was open then: a fault after its end proves little. */
  open: boolean;
  completed: boolean;
  /** From the fault until what it broke was whole again, milliseconds. */
  away: number;
  /** From there to the end of the run, milliseconds. */
  recovery: number;
}

/** An undisturbed run: what it left, how long it took and how many events its history has. */
export interface Calm {
  left: Left;
  durationMs: number;
  events: number;
  /** Events in the history of its promotion. */
  promotionEvents: number;
}

/** Runs the batch in peace. @throws the signal's reason once it is aborted. */
export async function runCalm(name: string, signal?: AbortSignal): Promise<Calm> {
  const ground = await openGround(name);
  const givenUp = giveUp(ground, signal);
  return Promise.race([givenUp, playCalm(ground)]);
}

async function playCalm(ground: Ground): Promise<Calm> {
  try {
    await ground.project.startWorker();
    const begun = Date.now();
    await ground.start();
    const summary = await ground.result();
    const durationMs = Date.now() - begun;
    const events = await lengthOf(ground, ground.workflowId);
    const promotionEvents = await lengthOf(ground, promotionIdOf(ground.pipeline));
    return { left: await readLeft(ground, summary), durationMs, events, promotionEvents };
  } finally {
    await ground.project.close();
  }
}

/** The share of a run that passes, at most, between the event that was waited for and the harm. */
const LATER = 0.1;

export interface RoundPlan {
  name: string;
  fault: FaultName;
  random: () => number;
  /** The workflow in whose history the moment of the fault is chosen; the run unless it is given. */
  during?: 'run' | 'promotion';
  signal?: AbortSignal;
}

/**
 * Runs the batch, does harm at a random moment of it, waits for its end and compares what it left.
 * @throws the signal's reason once it is aborted.
 */
export async function runRound(servers: Servers, calm: Calm, plan: RoundPlan): Promise<Round> {
  const ground = await openGround(plan.name);
  return Promise.race([giveUp(ground, plan.signal), playRound(ground, servers, calm, plan)]);
}

async function playRound(
  ground: Ground,
  servers: Servers,
  calm: Calm,
  { fault, random, during = 'run' }: RoundPlan,
): Promise<Round> {
  // Counted in events, for how long a run takes depends on what else the machine has to do.
  const [watched, events] =
    during === 'run'
      ? [ground.workflowId, calm.events]
      : [promotionIdOf(ground.pipeline), calm.promotionEvents];
  const event = 1 + Math.floor(random() * (events - 1));
  const later = during === 'run' ? random() * LATER * calm.durationMs : 0;
  let [at, open] = [0, false];
  try {
    await ground.project.startWorker();
    const begun = Date.now();
    await ground.start();
    while ((await lengthOf(ground, watched)) < event) await sleep(10);
    await sleep(later);
    open = await isOpen(ground);
    const struck = Date.now();
    at = struck - begun;
    let whole = struck;
    const repaired = (): void => void (whole = Date.now());
    await FAULTS[fault]({ ground, servers, random, repaired });
    const summary = await ground.result();
    const away = whole - struck;
    const recovery = Math.max(0, Date.now() - whole);
    await drain(ground);
    return {
      fault,
      at,
      open,
      completed: true,
      away,
      recovery,
      ...compareLeft(calm.left, await readLeft(ground, summary)),
    };
  } catch (error) {
    return {
      fault,
      at,
      open,
      completed: false,
      away: 0,
      recovery: 0,
      wrong: [messageOf(error)],
      duplicates: [],
    };
  } finally {
    await ground.project.close();
  }
}

/** Kills the workers and throws once the signal is aborted. */
function giveUp({ project }: Ground, signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => {
      void project.close('SIGKILL').finally(() => reject(signal!.reason as Error));
    };
    if (signal?.aborted === true) end();
    signal?.addEventListener('abort', end, { once: true });
  });
}

/** The length of a history; 0 before the workflow begins. */
async function lengthOf({ project }: Ground, workflowId: string): Promise<number> {
  try {
    return (await project.temporal.workflow.getHandle(workflowId).describe()).historyLength;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 0;
    throw error;
  }
}

async function isOpen({ project, workflowId }: Ground): Promise<boolean> {
  return (
    (await project.temporal.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING'
  );
}

/** Workers finish what they have in hand before anything is counted. */
async function drain({ project }: Ground): Promise<void> {
  await Promise.all(project.workers.map((worker) => worker.stop()));
}
