import type { WorkflowHandle } from '@temporalio/client';
import { historyProblem } from '../worker/history-problem.ts';
import type { Described } from './pending.ts';

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
