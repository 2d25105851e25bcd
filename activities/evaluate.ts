import { join } from 'node:path';
import { scoreOther, toComparisonFacts } from '../compute/compare.ts';
import type { Compute } from '../compute/pool.ts';
import { modelTypeOf } from '../contract/defaults.ts';
import { BadData, DamagedArtifact, MissingHistory } from '../contract/failures.ts';
import {
  findStage,
  type Comparison,
  type StageRequest,
  type StageResult,
} from '../contract/stages.ts';
import type { Store } from '../store/index.ts';
import type { VersionRecord } from '../store/version-record.ts';
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

type Deps = StageDeps &
  LoggingDeps &
  Tracking & { compute: Compute; store: Pick<Store, 'records' | 'champions'> };

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
  const { comparisons, warnings } = await compareWithBefore(deps, request);
  const champion = (await deps.store.champions.read(request.pipeline))?.champion ?? null;
  const all = [...result.warnings, ...warnings];
  const scored = { ...result, comparisons, champion, warnings: all };
  if (mlflow === null) return { ...scored, mlflow };
  const mayDefer = deps.deferTracking === true && request.mayDefer;
  const attempt = await requireAttempt(deps, request);
  if (attempt.logged['evaluate'] === result.key) return { ...scored, mlflow };
  const logged = await orDefer(mayDefer, execution, async () => {
    await onRun(deps, attempt, () => logEvaluation(deps, attempt, { request, result, execution }));
    return true;
  });
  if (logged === true) return { ...scored, mlflow };
  return { ...scored, warnings: [...scored.warnings, deferredWarning(deps)], mlflow: null };
}

/**
 * Scores the previous published build on the test rows of this build. The previous build is that of the version
 * before; for a trial, it is that of the same version, if there is one. Without a previous build, or when it cannot
 * be scored, there is no comparison.
 */
async function compareWithBefore(
  deps: Deps,
  request: StageRequest<'evaluate'>,
): Promise<{ comparisons: Comparison[]; warnings: string[] }> {
  const { pipeline, batch, trial = null } = request;
  const versions = [...(trial === null ? [] : [batch]), batch - 1].filter((one) => one > 0);
  for (const version of versions) {
    try {
      const other = await deps.store.records.latest(pipeline, version);
      const { seq } = other;
      return {
        comparisons: [{ version, seq, facts: await compare(deps, request, other) }],
        warnings: [],
      };
    } catch (error) {
      if (error instanceof MissingHistory) continue;
      if (!(error instanceof DamagedArtifact || error instanceof BadData)) throw error;
      const warning = `version ${version} cannot be scored on the test rows of this version, so it is not compared: ${error.message}`;
      return { comparisons: [], warnings: [warning] };
    }
  }
  return { comparisons: [], warnings: [] };
}

/** Scores a build on the test rows of another. */
async function compare(
  deps: Deps,
  { inputs, ...request }: StageRequest<'evaluate'>,
  other: VersionRecord,
): Promise<Comparison['facts']> {
  const { model: otherModel, encoder: otherEncoder } = findStage(other.stages, 'train')!.outputs;
  const otherType = modelTypeOf(other.params['model'] as { type?: string });
  const { facts } = await runStage(
    deps,
    'compare',
    {
      ...request,
      // Only its facts are stored, so no artifact has to be there.
      cache: request.cache === 'require' ? 'use' : request.cache,
      inputs: { ...inputs, otherModel: otherModel!, otherEncoder: otherEncoder! },
      detail: { otherType },
    },
    async ({ execution, inputs: read }) => ({
      outputs: {},
      facts: await withScratch(deps, (folder) => {
        const type = modelTypeOf(request.params.model);
        const { artifacts } = deps.store;
        const of = { type, otherType, folder };
        return scoreOther({ artifacts, compute: deps.compute }, read, of, execution.signal);
      }),
    }),
  );
  return toComparisonFacts(facts);
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
    return deps.compute(
      'evaluateModel',
      { batch, type, model, encoder, parts: test },
      execution.signal,
    );
  });
  return {
    outputs: { metrics: await put('metrics', metrics), report: await put('report', report) },
    facts,
    warnings,
  };
}
