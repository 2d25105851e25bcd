import type { CloseRunsRequest } from '../contract/activities.ts';
import type { Tracking } from '../tracking/tracker.ts';
import { endRuns } from '../tracking/tracked-run/end-runs.ts';
import { currentExecution } from './run-stage.ts';

/**
 * Ends the MLflow runs of this workflow that still show as running. They are found by the workflow's id, not
 * by its run id: only one execution runs under an id at a time, and after a reset it has the runs of the one
 * before.
 */
export async function closeRuns(
  deps: Pick<Tracking, 'tracker' | 'experimentName'>,
  { status }: CloseRunsRequest,
): Promise<void> {
  const { workflowId } = currentExecution();
  await endRuns(deps, { 'temporal.workflow_id': workflowId }, status);
}
