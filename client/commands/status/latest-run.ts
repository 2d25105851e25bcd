import { WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { RunSummary } from '../../../contract/train-batch.ts';
import { type Progress, isOpen } from '../../../contract/execution.ts';
import { progress } from '../../../contract/messages.ts';
import { describeFailure, type ReportedFailure } from '../../failure.ts';
import {
  explainMlflowStart,
  listPendingStages,
  explainWaiting,
  NO_WORKER,
  taskQueueHasWorker,
  type Described,
} from '../../waiting.ts';
import { linkRun } from '../../result.ts';
import type { Session } from '../../session.ts';

/** The latest run of a batch, as Temporal knows it. */
export interface LatestRun {
  workflowId: string;
  runId: string;
  status: string;
  startedAt: string;
  link: string;
  /** Its progress, while it runs. */
  stages: RunSummary['stages'] | null;
  /** Why running stages are tried again. */
  retrying: { stage: string; attempt: number; message: string }[];
  /** The progress that running stages report. */
  progress: Progress[];
  /** The time of the last heartbeat; null if no stage is running. */
  heardAt: string | null;
  /** Why it waits, when no worker takes its tasks. */
  waiting: string | null;
  error: ReportedFailure | null;
}

/** The latest run with a workflow id; null where there was none. */
export async function readLatestRun(
  session: Session,
  workflowId: string,
): Promise<LatestRun | null> {
  const handle = session.client.workflow.getHandle(workflowId);
  try {
    const described = await handle.describe();
    const { runId, status: state, startTime, raw } = described;
    const running = isOpen(state);
    const pending = await explainMlflowStart(listPendingStages(raw), session.config);
    return {
      workflowId,
      runId,
      status: state.name.toLowerCase(),
      startedAt: startTime.toISOString(),
      link: linkRun(session, { workflowId, runId }),
      stages: running ? await readStages(session, workflowId) : null,
      retrying: pending.flatMap(({ stage, attempt, message }) =>
        message === null ? [] : [{ stage, attempt, message }],
      ),
      progress: pending.flatMap(({ progress: reported }) => reported ?? []),
      heardAt:
        pending
          .flatMap(({ heardAt }) => heardAt ?? [])
          .toSorted()
          .at(-1) ?? null,
      waiting: running ? ((await explainNow(session, handle, raw)) ?? null) : null,
      error: state.name === 'FAILED' ? await readFailure(session, workflowId, runId) : null,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

async function explainNow(
  session: Session,
  handle: WorkflowHandle,
  raw: Described,
): Promise<string | undefined> {
  if (!(await taskQueueHasWorker(session))) return NO_WORKER;
  return explainWaiting(handle, raw);
}

/** A query needs a worker. Without one, the rest of the status is still shown. */
async function readStages(session: Session, workflowId: string): Promise<LatestRun['stages']> {
  const handle = session.client.workflow.getHandle(workflowId);
  try {
    return await session.client.connection.withDeadline(
      Date.now() + 3_000,
      async () => (await handle.query(progress))?.stages ?? null,
    );
  } catch {
    return null;
  }
}

async function readFailure(
  session: Session,
  workflowId: string,
  runId: string,
): Promise<ReportedFailure | null> {
  try {
    await session.client.workflow.getHandle(workflowId, runId).result();
    return null;
  } catch (error) {
    return describeFailure(error);
  }
}
