import { CancelledFailure } from '@temporalio/common';
import type { CloseRunsRequest } from '../contract/activities.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import type { Execution } from '../contract/execution.ts';

/**
 * Ends the MLflow runs of this workflow that still show as running. By its id, not its run id: only one
 * execution runs under an id at a time, and one that was reset has the runs of its past.
 */
export async function closeRuns(deps: Deps, { status }: CloseRunsRequest): Promise<void> {
  const { workflowId } = currentExecution();
  await endRuns(deps, { 'temporal.workflow_id': workflowId }, status);
}

/**
 * Stops where the workflow has ended meanwhile: this worker slept, or was cut off, and what it has opened
 * since nobody else would end. By the run id, for the workflow may run again by now.
 * @throws CancelledFailure when it has ended
 */
export async function stopIfOver(deps: Deps, execution: Execution): Promise<void> {
  if (await execution.isOpen()) return;
  await endRuns(deps, { 'temporal.run_id': execution.runId }, 'KILLED');
  throw new CancelledFailure('the run has ended meanwhile');
}

async function endRuns(
  { tracker, experimentName }: Deps,
  tags: Record<string, string>,
  status: CloseRunsRequest['status'],
): Promise<void> {
  const experimentId = await tracker.ensureExperiment(experimentName);
  for (const run of await tracker.findRuns(experimentId, tags))
    if (run.status === 'RUNNING') await tracker.finishRun(run.runId, status, Date.now());
}
