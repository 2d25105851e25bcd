import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Progress } from '../contract/execution.ts';
import type { StageView } from './follow.ts';

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
