import type { CloseRunsRequest } from '../contract/activities.ts';
import type { Tracking } from '../tracking/tracker.ts';
import { endRuns } from '../tracking/tracked-run/end-runs.ts';
import { currentExecution } from './run-stage.ts';

/**
 * Ends the MLflow runs of this workflow that are still open. It finds them by the workflow id, not by the run
 * id: a reset gives the workflow a new run id, and the workflow keeps the MLflow runs that it opened before.
 */
export async function closeRuns(
  deps: Pick<Tracking, 'tracker' | 'experimentName'>,
  { status }: CloseRunsRequest,
): Promise<void> {
  const { workflowId } = currentExecution();
  await endRuns(deps, { 'temporal.workflow_id': workflowId }, status);
}
