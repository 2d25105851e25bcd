import type { CloseRunsRequest } from './contract.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';

/**
 * Ends the MLflow runs of this workflow that still show as running. By its id, not its run id: only one
 * execution runs under an id at a time, and one that was reset has the runs of its past.
 */
export async function closeRuns(deps: Deps, { status }: CloseRunsRequest): Promise<void> {
  const { workflowId } = currentExecution();
  const experimentId = await deps.tracker.ensureExperiment(deps.experimentName);
  const runs = await deps.tracker.findRuns(experimentId, {
    'temporal.workflow_id': workflowId,
  });
  for (const run of runs)
    if (run.status === 'RUNNING') await deps.tracker.finishRun(run.runId, status, Date.now());
}
