import proto from '@temporalio/proto';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Progress } from '../contract/execution.ts';
import { historyProblem } from '../worker/history-problem.ts';
import { say } from './print.ts';
import type { Session } from './session.ts';

/**
 * What an open run waits for when nobody takes its tasks, or who has them cannot go on.
 * @returns undefined where nothing says that it waits
 */
export async function whyWaiting(
  handle: Pick<WorkflowHandle, 'fetchHistory'>,
  described: Described,
): Promise<string | undefined> {
  return (await stuckOn(handle, described)) ?? waitingForWorker(described);
}

/**
 * Why the workers' code cannot go on with a run that is open: its history is from before a change of the code.
 * Temporal tries for as long as it is open, so it goes on by itself once a worker can.
 * @returns undefined where nothing says so
 */
export async function stuckOn(
  handle: Pick<WorkflowHandle, 'fetchHistory'>,
  { pendingWorkflowTask }: Described,
): Promise<string | undefined> {
  if ((pendingWorkflowTask?.attempt ?? 0) < 2) return undefined;
  const { events } = await handle.fetchHistory();
  const last = (events ?? []).findLast(
    ({ workflowTaskFailedEventAttributes: failed, workflowTaskCompletedEventAttributes: done }) =>
      failed != null || done != null,
  );
  const text = last?.workflowTaskFailedEventAttributes?.failure?.message;
  if (text == null) return undefined;
  const { kind, point } = historyProblem(text);
  if (kind === 'other')
    return `the workers' code fails on this run, which is a fault in it (${point}): start a worker with code that is mended`;
  const what =
    kind === 'old'
      ? `began on other code (${point})`
      : `is of a workflow they do not have, ${point}`;
  return `the workers that are there cannot go on with this run, for it ${what}: start a worker of the build it began on, or end it with "temporal workflow terminate" and run the batch again, from what is stored`;
}

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

/** A run as Temporal describes it, with what is pending in it. */
export type Described = WorkflowExecutionDescription['raw'];

/** A stage that is being tried, as its heartbeats and its failures tell it. */
export interface Pending {
  stage: string;
  attempt: number;
  /** Why the try before it failed. */
  message: string | null;
  progress: Progress | null;
  /** When it was last heard of: its heartbeat, or its start; ISO 8601. Null while nobody has it. */
  heardAt: string | null;
}

/** The activities under way in a run. */
export function pendingOf({ pendingActivities }: Described): Pending[] {
  return (pendingActivities ?? []).map(
    ({ activityType, attempt, lastFailure, heartbeatDetails, ...times }) => ({
      stage: activityType?.name ?? '',
      attempt: attempt ?? 1,
      message: (attempt ?? 1) > 1 ? (lastFailure?.message ?? null) : null,
      progress: progressOf(heartbeatDetails?.payloads?.[0]),
      heardAt: isoOf(times.lastHeartbeatTime ?? times.lastStartedTime),
    }),
  );
}

function isoOf(time: { seconds?: unknown } | null | undefined): string | null {
  const seconds = Number(time?.seconds ?? 0);
  return seconds === 0 ? null : new Date(seconds * 1_000).toISOString();
}

function progressOf(
  payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0] | undefined,
): Progress | null {
  if (payload === undefined) return null;
  const told: Partial<Progress> | null | undefined = defaultPayloadConverter.fromPayload(payload);
  return typeof told?.fraction === 'number' ? (told as Progress) : null;
}
