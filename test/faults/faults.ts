import { setTimeout as sleep } from 'node:timers/promises';
import type { PartName } from '../../infra/report.ts';
import { patiently, type Ground } from './ground.ts';
import type { Servers } from './servers.ts';

/** What a fault is given to do harm with. */
export interface Scene {
  ground: Ground;
  servers: Servers;
  random: () => number;
  /** To be called when what was broken is whole again: recovery is measured from there. */
  repaired: () => void;
}

/** Harms a running run, and repairs only what a person or a supervisor would repair. */
export type Fault = (scene: Scene) => Promise<void>;

/** The worker is killed and started again. */
const worker: Fault = async ({ ground, repaired }) => {
  const [first] = ground.project.workers;
  first!.kill('SIGKILL');
  await ground.project.startWorker();
  repaired();
};

/** A server is killed, stays away for a while, and is started again. */
const server =
  (part: PartName): Fault =>
  async ({ servers, random, repaired }) => {
    await servers.kill(part);
    await sleep(random() * 2_000);
    await servers.up();
    repaired();
  };

/** The run is reset to a point of its past, as `temporal workflow reset` does, running or done. */
const reset: Fault = async ({ ground, random, repaired }) => {
  const { project, workflowId } = ground;
  const client = project.temporal;
  const handle = client.workflow.getHandle(workflowId);
  const points = async (): Promise<number[]> =>
    ((await handle.fetchHistory()).events ?? [])
      .filter(({ workflowTaskCompletedEventAttributes: done }) => done != null)
      .map(({ eventId }) => Number(eventId));
  let found = await points();
  for (; found.length === 0; found = await points()) await sleep(50);
  const { runId } = await handle.describe();
  await patiently(() =>
    client.workflowService.resetWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
      reason: 'a fault round',
      workflowTaskFinishEventId: found[Math.floor(random() * found.length)]! as never,
      requestId: `${workflowId}-reset`,
    }),
  );
  repaired();
};

/** The worker stops breathing; another takes its work over, and then it wakes in the middle of the same work. */
const zombie: Fault = async ({ ground, repaired }) => {
  const [first] = ground.project.workers;
  first!.kill('SIGSTOP');
  try {
    await ground.project.startWorker();
    repaired();
    await ground.result();
  } finally {
    first!.kill('SIGCONT');
  }
  await first!.stop(); // it drains: it finishes what it still had in hand
};

/** Every fault by its name. */
export const FAULTS = {
  worker,
  s3: server('s3'),
  mlflow: server('mlflow'),
  temporal: server('temporal'),
  reset,
  zombie,
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];
