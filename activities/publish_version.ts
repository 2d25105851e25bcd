import type { Execution } from '../contract/execution.ts';
import { MissingHistory } from '../contract/failures.ts';
import { findHeadline, findMetricSet } from '../contract/metric-sets.ts';
import { findEntry, findStage } from '../contract/stages.ts';
import { hashOf } from '../store/hash.ts';
import type { VersionRecord } from '../store/version-record.ts';
import type { PublishRequest, PublishResult } from '../contract/versions.ts';
import { orDefer } from '../tracking/tracked-run/defer.ts';
import type { Store } from '../store/index.ts';
import type { Tracking } from '../tracking/tracker.ts';
import { onRun, requireAttempt } from '../tracking/tracked-run/attempt.ts';
import { describeInTracker } from '../tracking/tracked-run/describe-version.ts';
import { aliasOf, type LoggingDeps } from '../tracking/tracked-run/log-training.ts';
import { followChampion } from './promote_version.ts';
import { currentExecution, currentRun } from './run-stage.ts';
import { flattenMetrics, readMetrics } from '../store/metrics-file.ts';

type Deps = Tracking &
  LoggingDeps & { store: Pick<Store, 'cache' | 'records' | 'leases' | 'champions'> };

/**
 * Writes the version record of a run when all its stages are done, and publishes the build unless it is a trial. A
 * run that built nothing new adds nothing.
 */
export async function publishVersion(deps: Deps, request: PublishRequest): Promise<PublishResult> {
  const { pipeline, batch, params, paramsHash, attempt, mlflow } = request;
  const execution = currentExecution();
  const { workflowId, runId } = execution;
  const self = { workflow_id: workflowId, run_id: runId };
  const stages = await Promise.all(request.stages.map((ran) => readStage(deps, ran)));
  const { metrics } = findStage(stages, 'evaluate')!.outputs;
  const headline = flattenMetrics(readMetrics(await deps.store.artifacts.get(metrics!), metrics!));
  const draft = {
    pipeline,
    version: batch,
    build: await nameBuildOf(deps, request, stages),
    ledger_revision: request.ledgerRevision,
    params,
    params_hash: paramsHash,
    stages,
    metrics: headline,
    workflow: self,
    git_commit: deps.gitCommit ?? null,
    forced: request.forced,
    trial: request.trial ?? null,
    comparisons: request.comparisons,
    attempt,
    mlflow: mlflow && {
      tracking_uri: deps.tracker.uri,
      experiment_id: mlflow.experimentId,
      run_id: mlflow.runId,
      model_name: mlflow.modelName,
      model_version: mlflow.modelVersion,
    },
    healed: request.healed,
    created_at: new Date().toISOString(),
  };
  let pointed = true;
  const { record, ref } =
    request.trial === undefined
      ? await deps.store.records.publish(draft, async () => {
          pointed = await pointAlias(deps, execution, request);
        })
      : await deps.store.records.recordTrial(draft);
  const [described, followed] = await Promise.all([
    pointed && describe(deps, execution, request, record),
    request.trial === undefined ? followChampion(deps, pipeline) : undefined,
  ]);
  await deps.store.leases.release(currentRun(pipeline));
  const score = findHeadline(headline);
  return {
    record: ref,
    version: batch,
    seq: record.seq,
    metrics: pickShown(headline),
    ...(score === undefined ? {} : { score }),
    ...(request.trial === undefined ? {} : { trial: request.trial }),
    ...(pointed && described ? {} : { deferred: true }),
    ...(followed === undefined || followed.warnings.length === 0
      ? {}
      : { warnings: followed.warnings }),
  };
}

/**
 * Points the registry's alias of the batch at the version that is published. This also repairs an alias that
 * another program has moved.
 * @returns false when this is deferred because tracking is not available, or the version was deleted in the registry
 */
async function pointAlias(
  deps: Deps,
  execution: Execution,
  { batch, mlflow }: PublishRequest,
): Promise<boolean> {
  const version = mlflow?.modelVersion ?? null;
  if (mlflow === null || version === null) return true;
  const alias = { name: mlflow.modelName, alias: aliasOf(batch), version };
  const set = await orDefer(deps.deferTracking === true, execution, async () =>
    deps.tracker.setAlias(alias),
  );
  return set === true;
}

/**
 * Describes the version in the tracker.
 * @returns false when this is deferred because tracking is not available
 */
async function describe(
  deps: Deps,
  execution: Execution,
  { mlflow, batch, trial: asked }: PublishRequest,
  record: VersionRecord,
): Promise<boolean> {
  if (mlflow === null) return true;
  const { pipeline, attempt } = record;
  const done = await orDefer(deps.deferTracking === true, execution, async () => {
    const open = await requireAttempt(deps, { pipeline, batch, attempt });
    // A trial that has been published in the meantime stays published when it runs again.
    const isTrial = asked !== undefined && (await deps.store.records.isTrial(record));
    await onRun(deps, open, () => describeInTracker(deps, open, record, { execution, isTrial }));
    return true;
  });
  return done === true;
}

/**
 * The hash of a build: the same for two runs that build the same. A repair that has made the objects of the published
 * build again has made no other build.
 */
async function nameBuildOf(
  { store: { records } }: Deps,
  { pipeline, batch, attempt, healed, repair }: PublishRequest,
  all: VersionRecord['stages'],
): Promise<string> {
  const stages = all.filter(isOfBuild);
  const facts = { attempt, stages: stages.map(({ key }) => key), healed };
  if (repair !== true) return hashOf(facts);
  const published = await records.readLatest(pipeline, batch);
  const made = hashMade(stages);
  return published !== undefined && hashMade(published.stages.filter(isOfBuild)) === made
    ? published.build
    : hashOf({ ...facts, made });
}

function hashMade(stages: VersionRecord['stages']): string {
  return hashOf(stages.map(({ key, outputs }) => ({ key, outputs })));
}

/** Whether a stage makes the build, and does not only say something about it. */
function isOfBuild({ stage }: { stage: string }): boolean {
  return findEntry(stage)?.aboutBuild !== true;
}

/** A few numbers for the workflow's result; the record has them all. */
function pickShown(metrics: Record<string, number>): Record<string, number> {
  const names = [...findMetricSet(metrics).listed.map(({ name }) => name), 'test_rows'];
  return Object.fromEntries(
    names.flatMap((name) => (name in metrics ? [[name, metrics[name]!]] : [])),
  );
}

async function readStage(
  deps: Deps,
  { stage, key, cached }: PublishRequest['stages'][number],
): Promise<VersionRecord['stages'][number]> {
  const entry = await deps.store.cache.read(stage, key);
  if (entry === undefined)
    throw new MissingHistory(
      `the cache entry of ${stage} (${key}) is gone from the bucket: run the batch again`,
    );
  const { schema: _, batch: __, healed: ___, ...described } = entry;
  return { ...described, stage, key, cached };
}
