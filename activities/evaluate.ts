import { join } from 'node:path';
import { onRun, requireAttempt } from '../tracking/tracked-run/attempt.ts';
import type { EvaluateRequest, EvaluateResult } from '../contract/stages.ts';
import { deferredWarning, orDefer } from '../tracking/tracked-run/defer.ts';
import { modelTypeOf } from '../contract/params.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { withScratch } from '../store/own-folder.ts';
import { logEvaluation } from '../tracking/tracked-run/log-evaluation.ts';
import { metricsFile, reportFile } from '../contract/paths.ts';
import { runStage, type Stage, type StageCall } from './stage.ts';

export const stage: Stage<'model' | 'encoder' | 'test'> = {
  name: 'evaluate',
  code: 3, // 1 left no report, 2 was not scored by ml-cart
  // Two types of model may store the same bytes, and the report names the type.
  params: ({ model: { type } }) => ({ model: { type: modelTypeOf({ type }) } }),
  libraries: ['arquero', 'ml-cart'],
  perBatch: true,
  run: async ({ deps, execution, params, batch, inputs, put }) => {
    const type = modelTypeOf(params.model);
    const { artifacts } = deps.store;
    const parts = await artifacts.list(inputs.test);
    const score = async (model: string) => {
      const [encoder, test] = await Promise.all([
        artifacts.get(inputs.encoder),
        Promise.all(parts.map((part) => artifacts.getPart(part))),
        artifacts.toFile(inputs.model, model),
      ]);
      return deps.compute(
        'evaluate',
        { batch, type, model, encoder, parts: test },
        execution.signal,
      );
    };
    const { metrics, report, facts, warnings } = await withScratch(deps, (folder) =>
      score(join(folder, 'model.json')),
    );
    return {
      outputs: {
        metrics: await put(metricsFile(batch), metrics),
        report: await put(reportFile(batch), report),
      },
      facts,
      warnings,
    };
  },
};

/** Scores the model on the test rows of everything so far and of the new batch alone; ends its MLflow run. */
export async function evaluate(deps: Deps, request: EvaluateRequest): Promise<EvaluateResult> {
  const execution = currentExecution();
  const result = await runStage(deps, stage, request as StageCall<'model' | 'encoder' | 'test'>);
  if (request.deferred === true) return { ...result, deferred: true };
  const mayDefer = deps.deferTracking === true && request.mayDefer === true;
  const attempt = await requireAttempt(deps, request);
  if (attempt.logged['evaluate'] === result.key) return result;
  const logged = await orDefer(mayDefer, execution, async () => {
    await onRun(deps, attempt, () => logEvaluation(deps, attempt, { request, result, execution }));
    return true;
  });
  if (logged === true) return result;
  return { ...result, warnings: [...result.warnings, deferredWarning(deps)], deferred: true };
}
