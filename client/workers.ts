import proto from '@temporalio/proto';
import type { Described } from './pending.ts';
import { say } from './print.ts';
import type { Session } from './session.ts';

/** A worker that has not polled for this long is gone. */
const SEEN_LATELY_MS = 90_000;

/** Whether some worker has polled our task queue lately. */
export async function taskQueueHasWorker({ client, config, namespace }: Session): Promise<boolean> {
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: config.taskQueue },
      taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    return (pollers ?? []).some(
      ({ lastAccessTime }) =>
        Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < SEEN_LATELY_MS,
    );
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
export function waitingForWorker(described: Described, now = Date.now()): string | undefined {
  const { pendingActivities, pendingWorkflowTask } = described;
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
  const untakenFor = `has taken its next task for ${Math.round(longest / 1_000)} s`;
  const { deploymentName, buildId } = pinnedTo(described) ?? {};
  if (deploymentName && buildId)
    return `no worker of build ${buildId} of ${deploymentName}, to which this run is pinned, ${untakenFor}: start one from the code of that build with "npm run worker -- --deployment-name ${deploymentName} --build-id ${buildId}", or end the run with "temporal workflow terminate" and run the batch again, from what is stored`;
  return `no worker ${untakenFor}: start one with "npm run client -- worker", or "stack up"`;
}

/** The build a run stays on, whatever other workers are there; undefined where any may have it. */
function pinnedTo({ workflowExecutionInfo: info }: Described) {
  const { behavior, deploymentVersion, versioningOverride: moved } = info?.versioningInfo ?? {};
  const { VERSIONING_BEHAVIOR_PINNED: PINNED } = proto.temporal.api.enums.v1.VersioningBehavior;
  return moved?.pinned?.version ?? (behavior === PINNED ? deploymentVersion : undefined);
}
