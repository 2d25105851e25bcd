import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type proto from '@temporalio/proto';
import {
  LAST_STAGE,
  STAGE_NAMES,
  stagesUntil,
  type StageName,
  type StageOutcome,
} from '../contract/stages.ts';
import type { Ref } from '../contract/ref.ts';
import type { TrainBatchInput } from '../contract/train-batch.ts';
import type { Progress } from '../contract/execution.ts';
import { SetupError } from '../contract/failures.ts';
import type { Session } from './session.ts';
import type { Started } from './start.ts';
import { explainMlflowStart, explainWaiting, listPendingStages, type Pending } from './waiting.ts';
import { RETRAIN } from '../contract/command.ts';
import type { promote } from '../workflows/index.ts';

/** One stage as a person watches it. */
export interface StageView {
  stage: StageName;
  state: 'waiting' | 'running' | 'retrying' | 'done' | 'cached' | 'failed';
  /** When it was scheduled, milliseconds since 1970. */
  since?: number;
  durationMs?: number;
  /** Bytes of its outputs. */
  size?: number;
  /** Why it is tried again: the sentence of the last failure. */
  note?: string;
  /** Its progress, where it reports one. */
  progress?: Progress;
}

/** Called with the stages when one of them changes; `notice` is why the whole run waits. */
export type Watcher = (stages: readonly StageView[], notice?: string) => void;

type Event = proto.temporal.api.history.v1.IHistoryEvent;

/** The type of the workflow that decides about the champion. */
const PROMOTION: (typeof promote)['name'] = 'promote';

/** How often retries and progress are read. The events of stages arrive without polling. */
const LOOK_MS = 1_000;

/** How long the server may hold open a poll for the next event. */
const POLL_MS = 60_000;

/**
 * Follows a run to its end by reading the events of its history as they are written. It sends no query, so it
 * works without a worker.
 * @returns the stages at the end
 */
export async function follow(
  session: Session,
  run: Started,
  last: StageName,
  watch: Watcher,
  signal: AbortSignal,
): Promise<StageView[]> {
  const stages = new Map<string, StageView>(
    stagesUntil(last).map((stage) => [stage, { stage, state: 'waiting' }]),
  );
  const scheduled = new Map<string, StageView>();
  let notice: string | undefined;
  let building: string | undefined;
  const show = (): void => watch([...stages.values()], building ?? notice);
  const looking = new AbortController();
  const seen = (pending: readonly Pending[], waiting: string | undefined): void => {
    notice = waiting;
    if (applyPending(pending, stages) || notice !== undefined) show();
  };
  const looker = pollPending(session, run, seen, looking.signal);
  show();
  try {
    for await (const event of readEvents(session, run, signal)) {
      removeLaterStages(event, stages);
      building = findChild(event, building);
      applyEvent(event, stages, scheduled);
      show();
    }
  } finally {
    looking.abort();
    await looker;
  }
  return [...stages.values()];
}

/** The events of a run from the first to the last; waits for those that are not written yet. */
async function* readEvents(
  session: Session,
  run: Started,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { client, config, namespace } = session;
  // Each poll listens on the signal, and the client removes its listener only when the signal aborts.
  setMaxListeners(0, signal);
  let nextPageToken: Uint8Array | undefined;
  let failures = 0;
  do {
    signal.throwIfAborted();
    const call = (): ReturnType<typeof client.workflowService.getWorkflowExecutionHistory> =>
      client.workflowService.getWorkflowExecutionHistory({
        namespace,
        execution: { workflowId: run.workflowId, runId: run.runId },
        waitNewEvent: true,
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
      });
    try {
      const page = await client.connection.withAbortSignal(signal, () =>
        client.connection.withDeadline(Date.now() + POLL_MS, call),
      );
      failures = 0;
      yield* page.history?.events ?? [];
      nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
      if (nextPageToken === undefined) return;
    } catch (error) {
      signal.throwIfAborted();
      // The run goes on: a server that restarts is waited for, not reported as a failure.
      if (!isGrpcServiceError(error) || ++failures > 30)
        throw new SetupError(
          `Temporal stopped answering while ${run.workflowId} was followed: the run continues; see it with "${RETRAIN} watch N --pipeline ${config.pipeline}" when the server is back`,
          { cause: error },
        );
      await sleep(1_000, undefined, { signal });
    }
  } while (true);
}

function applyEvent(
  event: Event,
  stages: Map<string, StageView>,
  scheduled: Map<string, StageView>,
): void {
  const begun = event.activityTaskScheduledEventAttributes;
  const ended =
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCanceledEventAttributes;
  if (begun != null) {
    const view = stages.get(begun.activityType?.name ?? '');
    if (view === undefined) return;
    // The stage may have started before this command followed it, and the server's clock may be ahead of ours.
    const since = Math.min(readTime(event) ?? Infinity, Date.now());
    Object.assign(view, { state: 'running', since });
    scheduled.set(String(event.eventId), view);
  }
  if (ended == null) return;
  const view = scheduled.get(String(ended.scheduledEventId));
  if (view === undefined) return;
  delete view.note;
  delete view.progress;
  // The time that the person has waited. It includes the wait for a worker.
  const endedAt = readTime(event);
  const waited =
    endedAt === undefined || view.since === undefined
      ? undefined
      : Math.max(0, endedAt - view.since);
  const payload = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
  if (payload == null) {
    view.state = 'failed';
    if (waited !== undefined) view.durationMs = waited;
    return;
  }
  const result: StageOutcome<StageName> = defaultPayloadConverter.fromPayload(payload);
  view.state = result.cached ? 'cached' : 'done';
  view.durationMs = waited ?? result.durationMs;
  view.size = Object.values<Ref>(result.outputs).reduce((sum, { size }) => sum + size, 0);
}

/** The time of an event in milliseconds since 1970, by the server's clock. */
function readTime({ eventTime: time }: Event): number | undefined {
  return time == null ? undefined : Number(time.seconds) * 1_000 + (time.nanos ?? 0) / 1e6;
}

/** A run that another client started may end earlier than `last`: its first event has its input. */
function removeLaterStages(event: Event, stages: Map<string, StageView>): void {
  const payload = event.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (payload == null) return;
  const input: Partial<TrainBatchInput> | null = defaultPayloadConverter.fromPayload(payload);
  const last = STAGE_NAMES.indexOf(input?.only ?? input?.until ?? LAST_STAGE);
  for (const stage of last < 0 ? [] : STAGE_NAMES.slice(last + 1)) stages.delete(stage);
}

/** The child workflow that builds an earlier version, which a run waits for. Its other child is the promotion. */
function findChild(event: Event, now: string | undefined): string | undefined {
  const begun = event.childWorkflowExecutionStartedEventAttributes;
  const ended =
    event.childWorkflowExecutionCompletedEventAttributes ??
    event.childWorkflowExecutionFailedEventAttributes;
  if ((begun ?? ended)?.workflowType?.name === PROMOTION) return now;
  const id = begun?.workflowExecution?.workflowId;
  if (id != null) return `${id} is run first`;
  return ended == null ? now : undefined;
}

/** Reads what is not in the history, until the signal aborts: retries and their causes, progress, missing workers. */
async function pollPending(
  session: Session,
  run: Started,
  seen: (pending: readonly Pending[], waiting: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const handle = session.client.workflow.getHandle(run.workflowId, run.runId);
  while (!signal.aborted) {
    try {
      await sleep(LOOK_MS, undefined, { signal });
      const { raw } = await handle.describe();
      const pending = await explainMlflowStart(listPendingStages(raw), session.config);
      seen(pending, await explainWaiting(handle, raw));
    } catch {
      // This is only a hint: the history reports what matters, and also that the server is gone.
    }
  }
}

/** Updates the stages with the pending activities; false when nothing has changed. */
export function applyPending(
  pending: readonly Pending[],
  stages: ReadonlyMap<string, StageView>,
): boolean {
  let news = false;
  for (const { stage, attempt, message, progress } of pending) {
    const view = stages.get(stage);
    if (view === undefined || view.state === 'done' || view.state === 'cached') continue;
    if (message !== null)
      Object.assign(view, { state: 'retrying', note: `attempt ${attempt}: ${message}` });
    if (progress !== null) view.progress = progress;
    news ||= message !== null || progress !== null;
  }
  return news;
}
