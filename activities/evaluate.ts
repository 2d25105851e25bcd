import { join } from 'node:path';
import type { Compute } from '../compute/pool.ts';
import { modelTypeOf } from '../contract/defaults.ts';
import type { StageRequest, StageResult } from '../contract/stages.ts';
import { withScratch } from '../store/own-folder.ts';
import { onRun, requireAttempt } from '../tracking/tracked-run/attempt.ts';
import { deferredWarning, orDefer } from '../tracking/tracked-run/defer.ts';
import { logEvaluation } from '../tracking/tracked-run/log-evaluation.ts';
import type { LoggingDeps } from '../tracking/tracked-run/log-training.ts';
import type { Tracking } from '../tracking/tracker.ts';
import {
  currentExecution,
  runStage,
  type StageContext,
  type StageDeps,
  type StageWork,
} from './run-stage.ts';

type Deps = StageDeps & LoggingDeps & Tracking & { compute: Compute };

/** Scores the model on the test rows of all batches and of the new batch alone, and ends its MLflow run. */
export async function evaluate(
  deps: Deps,
  request: StageRequest<'evaluate'>,
): Promise<StageResult<'evaluate'>> {
  const execution = currentExecution();
  const { mlflow } = request;
  const result = await runStage(deps, 'evaluate', request, (context) =>
    score(deps, modelTypeOf(request.params.model), context),
  );
  if (mlflow === null) return { ...result, mlflow };
  const mayDefer = deps.deferTracking === true && request.mayDefer;
  const attempt = await requireAttempt(deps, request);
  if (attempt.logged['evaluate'] === result.key) return { ...result, mlflow };
  const logged = await orDefer(mayDefer, execution, async () => {
    await onRun(deps, attempt, () => logEvaluation(deps, attempt, { request, result, execution }));
    return true;
  });
  if (logged === true) return { ...result, mlflow };
  return { ...result, warnings: [...result.warnings, deferredWarning(deps)], mlflow: null };
}

async function score(
  deps: Deps,
  type: string,
  { execution, batch, inputs, put }: StageContext<'evaluate'>,
): Promise<StageWork<'evaluate'>> {
  const { artifacts } = deps.store;
  const parts = await artifacts.list(inputs.test);
  const { metrics, report, facts, warnings } = await withScratch(deps, async (folder) => {
    const model = join(folder, 'model.json');
    const [encoder, test] = await Promise.all([
      artifacts.get(inputs.encoder),
      Promise.all(parts.map((part) => artifacts.getPart(part))),
      artifacts.toFile(inputs.model, model),
    ]);
    return deps.compute('evaluate', { batch, type, model, encoder, parts: test }, execution.signal);
  });
  return {
    outputs: { metrics: await put('metrics', metrics), report: await put('report', report) },
    facts,
    warnings,
  };
}
