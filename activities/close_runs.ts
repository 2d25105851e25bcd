import type { CloseRunsRequest } from '../contract/activities.ts';
import type { Deps } from './deps.ts';
import { endRuns } from '../tracking/tracked-run/end-runs.ts';
import { currentExecution } from './execution.ts';

/**
 * Ends the MLflow runs of this workflow that still show as running. By its id, not its run id: only one
 * execution runs under an id at a time, and one that was reset has the runs of its past.
 */
export async function closeRuns(deps: Deps, { status }: CloseRunsRequest): Promise<void> {
  const { workflowId } = currentExecution();
  await endRuns(deps, { 'temporal.workflow_id': workflowId }, status);
}
