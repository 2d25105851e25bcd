import proto, { type temporal } from '@temporalio/proto';
import type { Described } from './pending.ts';
import { say } from './print.ts';
import type { Session } from './session.ts';

/** A worker that has not polled for this long is gone. */
const SEEN_LATELY_MS = 90_000;

type Poller = temporal.api.taskqueue.v1.PollerInfo.$Properties;

/** The workers that have polled our task queue for workflows lately. */
export async function pollersOf({ client, config, namespace }: Session): Promise<Poller[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: config.taskQueue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  return (pollers ?? []).filter(
    ({ lastAccessTime }) =>
      Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < SEEN_LATELY_MS,
  );
}

/** Whether some worker has polled our task queue lately. */
export async function taskQueueHasWorker(session: Session): Promise<boolean> {
  try {
    return (await pollersOf(session)).length > 0;
  } catch {
    return true; // it is only a hint: whatever is wrong shows elsewhere
  }
}

/** A task that waits this long has nobody to take it, or nobody with a hand free. */
const UNTAKEN_MS = 10_000;

/** Says so when no worker is there for what is about to be waited for. */
export async function warnWithoutWorker(session: Session): Promise<void> {
  if (!(await taskQueueHasWorker(session))) say(NO_WORKER);
}

export const NO_WORKER =
  'no worker is there to do the work: start one with "npm run client -- worker", or "stack up"';

/** What a run waits for when its tasks are not being taken: its worker went away, or never was. */
export function waitingForWorker(
  { pendingActivities, pendingWorkflowTask }: Described,
  now = Date.now(),
): string | undefined {
  const { PendingActivityState, PendingWorkflowTaskState } = proto.temporal.api.enums.v1;
  const untaken = [
    ...(pendingActivities ?? [])
      .filter(({ state }) => state === PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED)
      .map(({ scheduledTime }) => scheduledTime),
    ...(pendingWorkflowTask?.state ===
    PendingWorkflowTaskState.PENDING_WORKFLOW_TASK_STATE_SCHEDULED
      ? [pendingWorkflowTask.scheduledTime]
      : []),
  ].map((time) => now - (time == null ? now : Number(time.seconds) * 1_000));
  const longest = Math.max(0, ...untaken);
  if (longest < UNTAKEN_MS) return undefined;
  return `no worker has taken its next task for ${Math.round(longest / 1_000)} s: start one with "npm run client -- worker", or "stack up"`;
}
