import { ScheduleNotFoundError, type ScheduleDescription } from '@temporalio/client';
import { MissingHistory } from '../../../contract/failures.ts';
import { describeFailure } from '../../failure.ts';
import type { Session } from '../../session.ts';
import type { nightly } from '../../../workflows/index.ts';
import { RETRAIN } from '../../../contract/command.ts';

/** A schedule as it is shown. */
export interface Shown {
  schedule: string;
  cron: string | null;
  timezone: string | null;
  paused: boolean;
  note: string | null;
  /** The rules for nightlies that overlap, are missed or fail. Times are in milliseconds. */
  rules: { overlap: string; catchupMs: number; pauseOnFailure: boolean; jitterMs: number };
  /** ISO 8601, UTC. */
  next: string[];
  last: { workflowId: string; at: string; status: string; said: string }[];
}

/** A schedule with its next starts and its last results. */
export async function readSchedule(
  session: Session,
  { scheduleId, spec, policies, state, info }: ScheduleDescription,
): Promise<Shown> {
  const recent = info.recentActions.slice(-5).reverse();
  return {
    schedule: scheduleId,
    cron: spec.calendars?.[0]?.comment ?? null,
    timezone: spec.timezone ?? null,
    paused: state.paused,
    note: state.note ?? null,
    rules: {
      overlap: policies.overlap ?? 'SKIP',
      catchupMs: policies.catchupWindow,
      pauseOnFailure: policies.pauseOnFailure,
      jitterMs: spec.jitter ?? 0,
    },
    next: info.nextActionTimes.slice(0, 5).map((time) => time.toISOString()),
    last: await Promise.all(
      recent.map(async ({ action, takenAt }) => ({
        workflowId: action.workflow.workflowId,
        at: takenAt.toISOString(),
        ...(await readEnd(session, action.workflow.workflowId)),
      })),
    ),
  };
}

/** How a nightly ended. It is found by its workflow id alone, because a long backlog continues in other runs. */
async function readEnd(
  { client }: Session,
  workflowId: string,
): Promise<{ status: string; said: string }> {
  const handle = client.workflow.getHandle<typeof nightly>(workflowId);
  try {
    const status = (await handle.describe()).status.name.toLowerCase();
    if (status === 'running') return { status, said: '' };
    return { status, said: (await handle.result()).state };
  } catch (error) {
    return { status: 'failed', said: (await describeFailure(error)).message };
  }
}

/** The error for a schedule that does not exist; other errors as they are. */
export function notThere(
  error: unknown,
  { scheduleId, pipeline }: { scheduleId: string; pipeline: string },
): unknown {
  return error instanceof ScheduleNotFoundError
    ? new MissingHistory(
        `there is no schedule ${scheduleId}: create it with "${RETRAIN} schedule create --pipeline ${pipeline}"`,
      )
    : error;
}
