import { join } from 'node:path';
import { DEFAULT_MODEL_TYPE, modelTypeOf, taskOf } from '../contract/params.ts';
import { estimatorOf } from '../pipeline/models/estimators.ts';
import { attemptId } from '../store/attempts.ts';
import { at } from '../contract/ref.ts';
import { stageKey } from '../store/stage-cache.ts';
import { directoryOf, refuseOtherFolder } from '../tracking/place.ts';
import {
  findAttempt,
  onRun,
  openAttempt,
  trackedRun,
  type AttemptOf,
  type OpenAttempt,
} from '../tracking/tracked-run/attempt.ts';
import type { StageResult, TrainRequest, TrainResult } from '../contract/stages.ts';
import type { Execution } from '../contract/execution.ts';
import { sourceIdentity } from '../sources/identity.ts';
import { stopIfOver } from '../tracking/tracked-run/end-runs.ts';
import { deferredWarning, orDefer } from '../tracking/tracked-run/defer.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { withScratch } from '../store/own-folder.ts';
import {
  aliasOf,
  logTraining,
  trainingTags,
  type FittedFile,
} from '../tracking/tracked-run/log-training.ts';
import { modelFolder } from '../contract/paths.ts';
import {
  identityOf,
  runStage,
  type Stage,
  type StageCall,
  type StageContext,
  type StageDefinition,
  type StageOutcome,
} from './stage.ts';

export const stage: StageDefinition = {
  name: 'train',
  code: 2, // 1 was ml-cart's own trainer
  // What every run was before there was a choice is not named, so that its key stays the same.
  params: ({ model: { task, type, ...own } }) => ({
    model: {
      ...(taskOf({ model: { task } }) === 'classification' ? {} : { task }),
      ...(modelTypeOf({ type }) === DEFAULT_MODEL_TYPE ? {} : { type }),
      ...own,
    },
  }),
  libraries: ({ model }) => estimatorOf(model).libraries,
  perBatch: true,
};

type Inputs = 'train' | 'encoder';

/** Fits the model into a file. */
async function fitInto(
  { deps, execution, params, batch, inputs, putFile }: StageContext<Inputs>,
  into: string,
): Promise<StageOutcome> {
  const { artifacts } = deps.store;
  const parts = await artifacts.list(inputs.train);
  const encoder = await artifacts.get(inputs.encoder);
  const fitted = await deps.compute(
    'fitModel',
    {
      parts: await Promise.all(parts.map((part) => artifacts.getPart(part))),
      encoder,
      model: params.model,
      into,
    },
    execution.signal,
    ({ fraction, rows }) => execution.heartbeat({ stage: 'train', fraction, rows }),
  );
  const { facts, warnings } = fitted;
  return {
    outputs: {
      model: await putFile(`${modelFolder(batch)}/model.json`, into),
      encoder: at(`${modelFolder(batch)}/encoder.json`, inputs.encoder),
    },
    facts,
    warnings,
  };
}

/** Fits the model, or takes it from the cache, and logs it to the one MLflow run of its attempt. */
export async function train(deps: Deps, request: TrainRequest): Promise<TrainResult> {
  if (request.trackingFolder !== undefined) refuseOtherFolder(deps, request.trackingFolder);
  const execution = currentExecution();
  const training = identify(request);
  const known = await findAttempt(deps, training);
  const logged = known?.logged['train'] === training.trainKey ? known : undefined;
  // The folder stays until the model is logged, so that it need not be fetched from the store.
  return withScratch(deps, async (folder) => {
    const file = join(folder, 'model.json');
    if (logged !== undefined)
      return trackedResult(deps, (await fit(deps, request, file)).result, logged);
    // Without a cached model this fails, before a run is opened.
    const cached = request.cache === 'require' ? await fit(deps, request, file) : undefined;
    // The run is open while the model is fitted, so that MLflow's page shows it as running.
    const [fitted, run] = await Promise.allSettled([
      cached ?? fit(deps, request, file),
      openRun(deps, request, training, execution),
    ]);
    await stopIfOver(deps, execution);
    if (fitted.status === 'rejected') throw fitted.reason;
    if (run.status === 'rejected') throw run.reason;
    return log(deps, request, fitted.value, { run: run.value, training, execution });
  });
}

/** A training attempt, and the cache key of what is trained. */
type Training = AttemptOf & { trainKey: string };

function identify(request: TrainRequest): Training {
  const { pipeline, batch, force } = request;
  const trainKey = stageKey(identityOf(stage, request));
  return { pipeline, batch, trainKey, attempt: attemptId({ pipeline, batch, trainKey, force }) };
}

/** A fitted model: what the stage answers, and the model's file where it was fitted just now. */
interface Fitted {
  result: StageResult;
  file?: FittedFile;
}

/** First half: the model in the store, fitted into `file` unless the stage cache has it. */
async function fit(deps: Deps, request: TrainRequest, file: string): Promise<Fitted> {
  let fitted: FittedFile | undefined;
  const whole: Stage<Inputs> = {
    ...stage,
    run: async (context) => {
      const outcome = await fitInto(context, file);
      fitted = { file, sha256: outcome.outputs['model']!.sha256 };
      return outcome;
    },
  };
  const result = await runStage(deps, whole, request as StageCall<Inputs>);
  return { result, ...(fitted === undefined ? {} : { file: fitted }) };
}

/** Opens the MLflow run of the attempt; undefined when logging is put off. */
async function openRun(
  deps: Deps,
  request: TrainRequest,
  training: Training,
  execution: Execution,
): Promise<OpenAttempt | undefined> {
  const tags = trainingTags(deps, request, execution);
  return orDefer(mayDefer(deps, request), execution, async () => {
    const { pipeline, batch, attempt, trainKey } = training;
    const run = await openAttempt(deps, { pipeline, batch, attempt }, execution, tags);
    const isLogged = run.logged['train'] === trainKey;
    if (!isLogged && run.owner !== execution.token)
      await onRun(deps, run, () => adopt(deps, run, tags));
    return run;
  });
}

/** Second half: the model, its params, data sets and version in MLflow. Repeating it adds nothing. */
async function log(
  deps: Deps,
  request: TrainRequest,
  { result, file }: Fitted,
  {
    run,
    training,
    execution,
  }: { run: OpenAttempt | undefined; training: Training; execution: Execution },
): Promise<TrainResult> {
  const details = {
    request,
    result,
    execution,
    sourceName: sourceIdentity(request.params.data.source).name,
    fitted: file,
    alias: aliasOf(request.batch),
  };
  const logged =
    run &&
    (await orDefer(mayDefer(deps, request), execution, () =>
      onRun(deps, run, () => logTraining(deps, run, details)),
    ));
  if (logged !== undefined) return trackedResult(deps, result, logged);
  const warnings = [...result.warnings, deferredWarning(deps)];
  return { ...result, warnings, attempt: training.attempt, mlflow: null };
}

function mayDefer(deps: Deps, request: TrainRequest): boolean {
  return deps.deferTracking === true && request.mayDefer === true;
}

function trackedResult(deps: Deps, result: StageResult, attempt: OpenAttempt): TrainResult {
  const mlflow = trackedRun(deps, attempt);
  const warnings = [...result.warnings];
  if (mlflow.modelVersion === null)
    warnings.push(
      `no model version is registered: ${directoryOf(deps.tracker.uri)} is a directory, and the registry is a tracking server's`,
    );
  return { ...result, warnings, attempt: attempt.attempt, mlflow };
}

/** Takes over a run that another execution opened: it runs again, and it is ours to end. */
async function adopt(deps: Deps, open: OpenAttempt, tags: Record<string, string>): Promise<void> {
  const { tracker } = deps;
  await Promise.all([tracker.resumeRun(open.run_id), tracker.setTags(open.run_id, tags)]);
  // One that slept while its successor ended the run has opened it again, and nobody else would end it.
  const now = await findAttempt(deps, open);
  if (now?.logged['evaluate'] !== undefined)
    await tracker.finishRun(open.run_id, 'FINISHED', Date.now());
}
