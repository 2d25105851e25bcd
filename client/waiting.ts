import { hostname } from 'node:os';
import proto from '@temporalio/proto';
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Progress } from '../contract/execution.ts';
import { parseHistoryProblem } from '../worker/history-problem.ts';
import { processIdentity } from '../store/process-identity.ts';
import { say } from './print.ts';
import { isLocalMlflowStarting, type LocalTracking, type Session } from './session.ts';
import { RETRAIN } from '../contract/command.ts';

/**
 * Why an open run makes no progress: no worker takes its tasks, or the code of the workers cannot continue it.
 * @returns undefined if there is no sign that it waits
 */
export async function explainWaiting(
  handle: Pick<WorkflowHandle, 'fetchHistory' | 'workflowId'>,
  described: Described,
): Promise<string | undefined> {
  return (await explainStuck(handle, described)) ?? explainNoWorker(described);
}

/**
 * Why the code of the workers cannot continue an open run. Usually the code changed after the run began. Temporal
 * retries as long as the run is open, so the run continues as soon as a worker can execute it.
 * @returns undefined if there is no sign of it
 */
export async function explainStuck(
  handle: Pick<WorkflowHandle, 'fetchHistory' | 'workflowId'>,
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
  const { kind, point } = parseHistoryProblem(text);
  const cause = {
    old: `it began on other code (${point})`,
    unknown: `they do not have its workflow type ${point}`,
    other: `their code fails on it (${point}); either it began on other code, or theirs has a fault`,
  }[kind];
  const worker = `start a worker of the build it began on${kind === 'other' ? ', or with repaired code' : ''}`;
  return `the running workers cannot continue this run because ${cause}: ${worker}, or ${endAndRunAgain(handle.workflowId)}`;
}

/** A run that no worker can execute cannot be cancelled: only the server can end it. */
function endAndRunAgain(workflowId: string): string {
  return `end it with "temporal workflow terminate --workflow-id ${workflowId}" and run the batch again, from what is stored`;
}

/** A worker that has not polled for this long is gone. */
const RECENT_POLL_MS = 90_000;

/** A worker that Temporal has seen on our task queue. */
export interface Poller {
  /** `pid@host`, unless its worker has another name. */
  identity: string;
  /** The time of its last poll, in milliseconds since 1970. */
  polledAt: number;
  /** Whether it can still be there: it has polled lately, and a process of this machine still runs. */
  isLive: boolean;
}

/** The workers that have polled our task queue, the latest first. */
export async function listPollers({
  client,
  config,
  namespace,
}: Pick<Session, 'client' | 'config' | 'namespace'>): Promise<Poller[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: config.taskQueue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  return (pollers ?? [])
    .map(({ identity, lastAccessTime }): Poller => {
      const polledAt = Number(lastAccessTime?.seconds ?? 0) * 1_000;
      const isRecent = Date.now() - polledAt < RECENT_POLL_MS;
      return {
        identity: identity ?? '',
        polledAt,
        isLive: isRecent && !hasEnded(identity ?? ''),
      };
    })
    .toSorted((a, b) => b.polledAt - a.polledAt);
}

/**
 * Whether a worker was a process of this machine that no longer runs. Temporal still lists such a worker for a while.
 */
function hasEnded(identity: string): boolean {
  const [, pid, host] = /^(\d+)@(.+)$/.exec(identity) ?? [];
  return host === hostname() && processIdentity(Number(pid)) === undefined;
}

/** Whether a worker polls our task queue. */
export async function taskQueueHasWorker(session: Session): Promise<boolean> {
  try {
    return (await listPollers(session)).some(({ isLive }) => isLive);
  } catch {
    return true; // this is only a hint: another call reports what is wrong
  }
}

/** If a task waits this long, there is no worker, or all workers are busy. */
const UNTAKEN_MS = 10_000;

/** Warns if there is no worker for the work that the command will wait for. */
export async function warnWithoutWorker(session: Session): Promise<void> {
  if (!(await taskQueueHasWorker(session))) say(NO_WORKER);
}

export const NO_WORKER = `no worker is there to do the work: start one with "${RETRAIN} worker", or "${RETRAIN} stack up"`;

/** Why a running workflow does not answer, where its code is not the cause. */
export const NO_ANSWER = `no worker answers for it: start a worker with "${RETRAIN} worker", or "${RETRAIN} stack up"`;

/** Why a run waits when no worker takes its tasks: its worker ended, or none was started. */
export function explainNoWorker(described: Described, now = Date.now()): string | undefined {
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
  const { deploymentName, buildId } = findPinnedBuild(described) ?? {};
  if (deploymentName && buildId)
    return `no worker with build ID ${buildId} of ${deploymentName}, to which this run is pinned, ${untakenFor}: start one from its code with "${RETRAIN} worker --deployment-name ${deploymentName} --build-id ${buildId}", or ${endAndRunAgain(described.workflowExecutionInfo?.execution?.workflowId ?? '')}`;
  return `no worker ${untakenFor}: start one with "${RETRAIN} worker", or "${RETRAIN} stack up"`;
}

/** The build that a run is pinned to; undefined where any worker may take it. */
function findPinnedBuild({ workflowExecutionInfo: info }: Described) {
  const { behavior, deploymentVersion, versioningOverride: moved } = info?.versioningInfo ?? {};
  const { VERSIONING_BEHAVIOR_PINNED: PINNED } = proto.temporal.api.enums.v1.VersioningBehavior;
  return moved?.pinned?.version ?? (behavior === PINNED ? deploymentVersion : undefined);
}

/** A run as Temporal describes it, with its pending activities. */
export type Described = WorkflowExecutionDescription['raw'];

/** A running stage, as its heartbeats and its failures report it. */
export interface Pending {
  stage: string;
  attempt: number;
  /** Why the attempt before this one failed, and the type of that failure. */
  message: string | null;
  failure: string | null;
  progress: Progress | null;
  /** The time of its last heartbeat, or of its start, in ISO 8601. Null while no worker has it. */
  heardAt: string | null;
}

/** The running stages of a run. */
export function listPendingStages({ pendingActivities }: Described): Pending[] {
  return (pendingActivities ?? []).map(
    ({ activityType, attempt, lastFailure, heartbeatDetails, ...times }) => ({
      stage: activityType?.name ?? '',
      attempt: attempt ?? 1,
      message: (attempt ?? 1) > 1 ? describeRetry(lastFailure) : null,
      failure: (attempt ?? 1) > 1 ? (lastFailure?.applicationFailureInfo?.type ?? null) : null,
      progress: parseProgress(heartbeatDetails?.payloads?.[0]),
      heardAt: toIso(times.lastHeartbeatTime ?? times.lastStartedTime),
    }),
  );
}

/** Why an attempt failed. Temporal's own message for a worker that was killed is "activity Heartbeat timeout". */
function describeRetry(failure: proto.temporal.api.failure.v1.IFailure | null | undefined) {
  const { TIMEOUT_TYPE_HEARTBEAT: silent, TIMEOUT_TYPE_START_TO_CLOSE: slow } =
    proto.temporal.api.enums.v1.TimeoutType;
  const type = failure?.timeoutFailureInfo?.timeoutType;
  if (type === silent)
    return 'the worker of the attempt before stopped reporting, as after a crash: the stage is tried again';
  if (type === slow) return 'the attempt before took longer than it may: the stage is tried again';
  return failure?.message ?? null;
}

/**
 * Reports a stage that is retried because the local MLflow is still starting as what it is: it waits, and nothing is
 * wrong.
 */
export async function explainMlflowStart(
  pending: readonly Pending[],
  config: LocalTracking,
): Promise<Pending[]> {
  const isWaiting = ({ failure }: Pending): boolean => failure === 'TrackingUnavailable';
  if (!pending.some(isWaiting) || !(await isLocalMlflowStarting(config))) return [...pending];
  const message = 'MLflow is still starting, and the stage waits for it';
  return pending.map((one) => (isWaiting(one) ? { ...one, message } : one));
}

function toIso(time: { seconds?: unknown } | null | undefined): string | null {
  const seconds = Number(time?.seconds ?? 0);
  return seconds === 0 ? null : new Date(seconds * 1_000).toISOString();
}

function parseProgress(
  payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0] | undefined,
): Progress | null {
  if (payload === undefined) return null;
  const reported: Partial<Progress> | null | undefined =
    defaultPayloadConverter.fromPayload(payload);
  return typeof reported?.fraction === 'number' ? (reported as Progress) : null;
}
