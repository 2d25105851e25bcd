import { pickScores } from '../../contract/metric-sets.ts';
import type { Ref } from '../../contract/ref.ts';
import { deleteOtherRuns, updateAttempt, type OpenAttempt } from './attempt.ts';
import type { HandedInputs, StageOutputs, StageRequest } from '../../contract/stages.ts';
import type { Execution } from '../../contract/execution.ts';
import { stopIfOver } from './end-runs.ts';
import { datasetOf, registerTrained, type LoggingDeps } from './log-training.ts';
import { readMetrics, flattenMetrics } from '../../store/metrics-file.ts';

/** The result of evaluate. Its first code version made no report. */
interface Scored {
  key: string;
  outputs: Pick<StageOutputs<'evaluate'>, 'metrics'> & Partial<StageOutputs<'evaluate'>>;
}

/** Logs the scores to the run that train opened, and ends it. Idempotent: a repeat uses the same time. */
export async function logEvaluation(
  deps: LoggingDeps,
  attempt: OpenAttempt,
  {
    request,
    result,
    execution,
    at = Date.now(),
  }: {
    request: Pick<StageRequest<'evaluate'>, 'pipeline' | 'batch'> & {
      inputs: Pick<HandedInputs<'evaluate'>, 'test'>;
    };
    result: Scored;
    execution: Execution;
    at?: number;
  },
): Promise<void> {
  const tracker = deps.tracker.withSignal(execution.signal);
  const runId = attempt.run_id;
  const timestamp = await scoreTime(deps, attempt, { key: result.key, at });
  const { metrics, report } = result.outputs;
  const bytes = await deps.store.artifacts.get(metrics);
  const scores = pickScores(flattenMetrics(readMetrics(bytes, metrics)));
  const dataset = datasetOf(deps, request.inputs.test, `${request.pipeline}-test`, 'testing');
  const modelId = attempt.model_id === null ? {} : { modelId: attempt.model_id };
  const log = async (): Promise<void> => {
    await tracker.logInputs(runId, [dataset], attempt.model_id ?? undefined);
    await tracker.logMetrics(runId, scores, {
      step: request.batch,
      timestamp,
      ...modelId,
      dataset,
    });
  };
  const logPage = async (page: Ref): Promise<void> =>
    tracker.logArtifact(runId, page.path, await deps.store.artifacts.get(page), 'text/html');
  await Promise.all([
    log(),
    tracker.logArtifact(runId, metrics.path, bytes, 'application/json'),
    ...(report === undefined ? [] : [logPage(report)]),
    deleteOtherRuns(deps, attempt),
    // This also deletes a version that an interrupted execution of training has left.
    ...(attempt.model_version === null ? [] : [registerTrained(deps, attempt, execution)]),
  ]);
  await stopIfOver(deps, execution);
  await tracker.finishRun(runId, 'FINISHED', at);
  await updateAttempt(deps, attempt, { logged: { evaluate: result.key } });
}

/**
 * Returns when these scores were first logged. MLflow distinguishes points of one step by their time. So a repeat
 * uses the first time, and other scores of the same model (from newer code) use another.
 */
async function scoreTime(
  deps: LoggingDeps,
  attempt: OpenAttempt,
  { key, at }: { key: string; at: number },
): Promise<number> {
  const { scored_at: times } = await updateAttempt(deps, attempt, {
    scored_at: { [key]: at },
  });
  return times[key]!;
}
