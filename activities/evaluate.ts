import { join } from 'node:path';
import { scoreOther, toComparisonFacts } from '../compute/compare.ts';
import type { Compute } from '../compute/pool.ts';
import { findTrainedRows } from '../compute/trained-rows.ts';
import { modelTypeOf } from '../contract/defaults.ts';
import { BadData, DamagedArtifact } from '../contract/failures.ts';
import {
  findStage,
  type Comparison,
  type StageRequest,
  type StageResult,
} from '../contract/stages.ts';
import type { Params } from '../contract/params.ts';
import type { Build } from '../contract/promotion.ts';
import { isSameBuild, nameBuild } from '../contract/versions.ts';
import type { Store } from '../store/index.ts';
import { findModel } from '../store/champion-call.ts';
import { removedByGc } from '../store/record-check.ts';
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

/**
 * Scores the model on the test rows of all batches and of the new batch alone, and ends its MLflow run. No model is scored
 * on a row that it was trained on.
 */
export async function evaluate(
  deps: Deps,
  request: StageRequest<'evaluate'>,
): Promise<StageResult<'evaluate'>> {
  const execution = currentExecution();
  const { mlflow } = request;
  const result = await runStage(deps, 'evaluate', request, (context) =>
    score(deps, request.params, context),
  );
  const champion = (await deps.store.champions.read(request.pipeline))?.champion ?? null;
  const { comparisons, warnings } = await compareWithOthers(deps, request, champion);
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
 * Scores other builds on the rows of this one: the previous published build and the champion. A build that cannot be
 * scored is not compared, and a warning says why.
 */
async function compareWithOthers(
  deps: Deps,
  request: StageRequest<'evaluate'>,
  champion: Build | null,
): Promise<{ comparisons: Comparison[]; warnings: string[] }> {
  const comparisons: Comparison[] = [];
  const warnings: string[] = [];
  for (const role of ['before', 'champion'] as const) {
    let name = role === 'champion' ? 'the champion' : 'the version before';
    let other: VersionRecord | undefined;
    try {
      other =
        role === 'champion'
          ? await readChampion(deps, request, champion)
          : await findBefore(deps, request);
      if (other === undefined) continue;
      const { version, seq } = other;
      const build = { version, seq };
      name = `version ${version}`;
      const known = comparisons.find((one) => isSameBuild(one, build));
      if (known !== undefined) known.roles.push(role);
      else
        comparisons.push({ ...build, roles: [role], facts: await compare(deps, request, other) });
    } catch (error) {
      if (!(error instanceof DamagedArtifact || error instanceof BadData)) throw error;
      const collected = other && (await deps.store.records.collectedAt(other));
      const { message } =
        other === undefined || collected === undefined ? error : removedByGc(other, collected);
      const warning = `${name} cannot be scored on the test rows of this version, so it is not compared: ${message}`;
      if (!warnings.includes(warning)) warnings.push(warning);
    }
  }
  return { comparisons, warnings };
}

/**
 * Finds the published build of the version before; for a trial, that of the same version, if there is one. Undefined where
 * there is none.
 */
async function findBefore(
  { store: { records } }: Deps,
  { pipeline, batch, trial = null }: StageRequest<'evaluate'>,
): Promise<VersionRecord | undefined> {
  const versions = [...(trial === null ? [] : [batch]), batch - 1].filter((one) => one > 0);
  for (const version of versions) {
    const record = await records.readLatest(pipeline, version);
    if (record !== undefined) return record;
  }
  return undefined;
}

/** Reads the record of the champion; undefined where there is none, or it is what this run builds again. */
async function readChampion(
  { store: { records } }: Deps,
  { pipeline, batch, inputs }: StageRequest<'evaluate'>,
  champion: Build | null,
): Promise<VersionRecord | undefined> {
  if (champion === null) return undefined;
  const { version, seq } = champion;
  const record = await records.read(pipeline, version, seq);
  if (record === undefined)
    throw new DamagedArtifact(
      `the record of build ${nameBuild(champion)} is missing: restore it from a backup, or promote another build`,
    );
  const { model } = findStage(record.stages, 'train')!.outputs;
  return version === batch && model?.sha256 === inputs.model.sha256 ? undefined : record;
}

/** Scores a build on the rows of another. */
async function compare(
  deps: Deps,
  { inputs, ...request }: StageRequest<'evaluate'>,
  other: VersionRecord,
): Promise<Comparison['facts']> {
  const { model, encoder, train } = findModel(other)!;
  const otherType = modelTypeOf(other.params['model'] as { type?: string });
  const { facts } = await runStage(
    deps,
    'compare',
    {
      ...request,
      // Only its facts are stored, so no artifact has to be there.
      cache: request.cache === 'require' ? 'use' : request.cache,
      inputs: { ...inputs, otherModel: model, otherEncoder: encoder, otherTrain: train },
      detail: { otherType },
    },
    async ({ execution, inputs: read }) => ({
      outputs: {},
      facts: await withScratch(deps, (folder) => {
        const type = modelTypeOf(request.params.model);
        const { artifacts } = deps.store;
        const of = { type, otherType, split: request.params.split, folder };
        return scoreOther({ artifacts, compute: deps.compute }, read, of, execution.signal);
      }),
    }),
  );
  return toComparisonFacts(facts);
}

async function score(
  deps: Deps,
  params: Params,
  { execution, batch, inputs, put }: StageContext<'evaluate'>,
): Promise<StageWork<'evaluate'>> {
  const { artifacts } = deps.store;
  const [parts, train] = await Promise.all([
    artifacts.list(inputs.test),
    artifacts.list(inputs.train),
  ]);
  const { metrics, report, facts, warnings } = await withScratch(deps, async (folder) => {
    const model = join(folder, 'model.json');
    const [encoder, test] = await Promise.all([
      artifacts.get(inputs.encoder),
      Promise.all(parts.map((part) => artifacts.getPart(part))),
      artifacts.toFile(inputs.model, model),
    ]);
    const [check] = await findTrainedRows(
      { artifacts, compute: deps.compute },
      { rows: test, train: [train], encoders: [encoder] },
      execution.signal,
    );
    const names = parts.map(({ path }) => `${inputs.test.path}${path}`);
    const type = modelTypeOf(params.model);
    const { split } = params;
    return deps.compute(
      'evaluateModel',
      { batch, type, model, encoder, parts: test, names, check: check!, split },
      execution.signal,
    );
  });
  return {
    outputs: { metrics: await put('metrics', metrics), report: await put('report', report) },
    facts,
    warnings,
  };
}
