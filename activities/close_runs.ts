import type { CloseRunsRequest } from './contract.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';

/** Ends the MLflow runs that this execution opened and that still show as running. */
export async function closeRuns(deps: Deps, { status }: CloseRunsRequest): Promise<void> {
  const { runId } = currentExecution();
  const experimentId = await deps.tracker.ensureExperiment(deps.experimentName);
  const runs = await deps.tracker.findRuns(experimentId, { 'temporal.run_id': runId });
  for (const run of runs)
    if (run.status === 'RUNNING') await deps.tracker.finishRun(run.runId, status, Date.now());
}
