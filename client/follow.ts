import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { STAGE_NAMES, type StageName, type StageResult } from '../contract/stages.ts';
import type { TrainBatchInput } from '../contract/train-batch.ts';
import type { Progress } from '../contract/execution.ts';
import { SetupError } from '../contract/failures.ts';
import type { Session } from './session.ts';
import type { Started } from './start.ts';
import { pendingOf, whyWaiting, type Described } from './waiting.ts';

/** One stage as a person watches it. */
export interface StageView {
  stage: StageName;
  state: 'waiting' | 'running' | 'retrying' | 'done' | 'cached' | 'failed';
  /** When it was scheduled, milliseconds since 1970. */
  since?: number;
  durationMs?: number;
  /** Bytes of its outputs. */
  size?: number;
  /** Why it is tried again: the last failure's sentence. */
  note?: string;
  /** How far it is, where it says so. */
  progress?: Progress;
}

/** Is shown the stages whenever one moves; `notice` is what keeps the whole run waiting. */
export type Watcher = (stages: readonly StageView[], notice?: string) => void;

type Event = NonNullable<
  Awaited<
    ReturnType<Session['client']['workflowService']['getWorkflowExecutionHistory']>
  >['history']
>['events'] extends (infer One)[] | null | undefined
  ? One
  : never;

/** How often pending retries are looked at; stages themselves arrive as they happen. */
const LOOK_MS = 1_000;

/** How long the server may hold a poll for the next event open. */
const POLL_MS = 60_000;

/**
 * Follows a run to its end by its history, which arrives as it is written: no query, so it works
 * whether or not a worker is there.
 * @returns the stages as they stood at the end
 */
export async function follow(
  session: Session,
  run: Started,
  last: StageName,
  watch: Watcher,
  signal: AbortSignal,
): Promise<StageView[]> {
  const names = STAGE_NAMES.slice(0, STAGE_NAMES.indexOf(last) + 1);
  const stages = new Map<string, StageView>(
    names.map((stage) => [stage, { stage, state: 'waiting' }]),
  );
  const scheduled = new Map<string, StageView>();
  let notice: string | undefined;
  let building: string | undefined;
  const show = (): void => watch([...stages.values()], building ?? notice);
  const looking = new AbortController();
  const seen = (described: Described, waiting: string | undefined): void => {
    notice = waiting;
    if (applyPending(described, stages) || notice !== undefined) show();
  };
  const looker = look(session, run, seen, looking.signal);
  show();
  try {
    for await (const event of historyOf(session, run, signal)) {
      trim(event, stages);
      building = childOf(event, building);
      apply(event, stages, scheduled);
      show();
    }
  } finally {
    looking.abort();
    await looker;
  }
  return [...stages.values()];
}

/** The events of a run from its first to its last, waiting for those not yet written. */
async function* historyOf(
  session: Session,
  run: Started,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { client, namespace } = session;
  // Each poll listens on the signal, and the client lets go of it only when the signal does.
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
      // The run goes on without us: a server that restarts is waited for, not reported as a failure.
      if (!isGrpcServiceError(error) || ++failures > 30)
        throw new SetupError(
          `Temporal stopped answering while we followed ${run.workflowId}: the run goes on; look at it with "status" when the server is back`,
          { cause: error },
        );
      await sleep(1_000, undefined, { signal });
    }
  } while (true);
}

function apply(
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
    Object.assign(view, { state: 'running', since: Date.now() });
    scheduled.set(String(event.eventId), view);
  }
  if (ended == null) return;
  const view = scheduled.get(String(ended.scheduledEventId));
  if (view === undefined) return;
  delete view.note;
  delete view.progress;
  const payload = event.activityTaskCompletedEventAttributes?.result?.payloads?.[0];
  if (payload == null) {
    view.state = 'failed';
    return;
  }
  const result: StageResult = defaultPayloadConverter.fromPayload(payload);
  view.state = result.cached ? 'cached' : 'done';
  view.durationMs = result.durationMs;
  view.size = Object.values(result.outputs).reduce((sum, { size }) => sum + size, 0);
}

/** A run started by another may end earlier than `last`: its first event says where. */
function trim(event: Event, stages: Map<string, StageView>): void {
  const payload = event.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  if (payload == null) return;
  const input: Partial<TrainBatchInput> | null = defaultPayloadConverter.fromPayload(payload);
  const last = STAGE_NAMES.indexOf(input?.only ?? input?.until ?? 'evaluate');
  for (const stage of last < 0 ? [] : STAGE_NAMES.slice(last + 1)) stages.delete(stage);
}

/** What a run waits for while a version before it is built. */
function childOf(event: Event, now: string | undefined): string | undefined {
  const begun = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId;
  if (begun != null) return `${begun} is run first`;
  const ended =
    event.childWorkflowExecutionCompletedEventAttributes ??
    event.childWorkflowExecutionFailedEventAttributes;
  return ended == null ? now : undefined;
}

/** Looks at what is in no event until it ends: retries, their causes, progress, tasks nobody takes. */
async function look(
  session: Session,
  run: Started,
  seen: (described: Described, waiting: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  const handle = session.client.workflow.getHandle(run.workflowId, run.runId);
  while (!signal.aborted) {
    try {
      await sleep(LOOK_MS, undefined, { signal });
      const { raw } = await handle.describe();
      seen(raw, await whyWaiting(handle, raw));
    } catch {
      // Only a look: the history tells what matters, and says when the server is gone.
    }
  }
}

/** Enters it into the stages as they are watched; false when there is nothing to tell. */
export function applyPending(
  described: Described,
  stages: ReadonlyMap<string, StageView>,
): boolean {
  let news = false;
  for (const { stage, attempt, message, progress } of pendingOf(described)) {
    const view = stages.get(stage);
    if (view === undefined || view.state === 'done' || view.state === 'cached') continue;
    if (message !== null)
      Object.assign(view, { state: 'retrying', note: `attempt ${attempt}: ${message}` });
    if (progress !== null) view.progress = progress;
    news ||= message !== null || progress !== null;
  }
  return news;
}
