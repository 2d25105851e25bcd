import type { Execution } from '../../contract/execution.ts';
import type { FinalStatus } from '../tracker.ts';
import type { TrackingDeps } from './attempt.ts';

/** Ends the runs with these tags that still show as running. */
export async function endRuns(
  { tracker, experimentName }: Pick<TrackingDeps, 'tracker' | 'experimentName'>,
  tags: Record<string, string>,
  status: FinalStatus,
): Promise<void> {
  const experimentId = await tracker.ensureExperiment(experimentName);
  for (const run of await tracker.findRuns(experimentId, tags))
    if (run.status === 'RUNNING') await tracker.finishRun(run.runId, status, Date.now());
}

/**
 * Stops an activity whose workflow ended while its worker was suspended or disconnected. Also ends the runs that
 * the activity has opened since, because nothing else ends them. Runs are found by the workflow's run ID,
 * because the workflow may have started again.
 * @throws a cancellation when the workflow has ended
 */
export async function stopIfOver(
  deps: Pick<TrackingDeps, 'tracker' | 'experimentName'>,
  execution: Execution,
): Promise<void> {
  if (await execution.isOpen()) return;
  await endRuns(deps, { 'temporal.run_id': execution.runId }, 'KILLED');
  throw execution.cancelled('the run has ended meanwhile');
}
