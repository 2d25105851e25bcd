import { join } from 'node:path';
import type { Compute } from '../compute/pool.ts';
import type { Params } from '../contract/params.ts';
import { attemptId } from '../store/attempts.ts';
import { withPath } from '../contract/ref.ts';
import { stageKey } from '../store/stage-cache.ts';
import { directoryOf, isDirectoryUri, refuseOtherFolder } from '../tracking/place.ts';
import {
  findAttempt,
  onRun,
  openAttempt,
  trackedRun,
  type AttemptOf,
  type OpenAttempt,
} from '../tracking/tracked-run/attempt.ts';
import type { StageOutcome, StageRequest, StageResult } from '../contract/stages.ts';
import type { Execution } from '../contract/execution.ts';
import { sourceIdentity } from '../sources/identity.ts';
import { stopIfOver } from '../tracking/tracked-run/end-runs.ts';
import { deferredWarning, orDefer } from '../tracking/tracked-run/defer.ts';
import { withScratch } from '../store/own-folder.ts';
import {
  logTraining,
  nameRun,
  registerTrained,
  trainingTags,
  type FittedFile,
  type LoggingDeps,
} from '../tracking/tracked-run/log-training.ts';
import { openPipelineRun } from '../tracking/tracked-run/pipeline-run.ts';
import type { Tracking } from '../tracking/tracker.ts';
import { modelFolder } from '../contract/paths.ts';
import { identityOf } from '../store/stage-identity.ts';
import {
  currentExecution,
  runStage,
  type StageContext,
  type StageDeps,
  type StageWork,
} from './run-stage.ts';

type Deps = StageDeps & LoggingDeps & Tracking & { compute: Compute };
type Request = StageRequest<'train'>;
type Result = StageResult<'train'>;

/** Fits the model into a file. */
async function fitInto(
  deps: Deps,
  params: Params,
  { execution, batch, inputs, putFile }: StageContext<'train'>,
  into: string,
): Promise<StageWork<'train'>> {
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
      model: await putFile('model', into),
      encoder: withPath(`${modelFolder(batch)}/encoder.json`, inputs.encoder),
    },
    facts,
    warnings,
  };
}

/** Fits the model, or takes it from the cache, and logs it to the one MLflow run of its attempt. */
export async function train(deps: Deps, request: Request): Promise<Result> {
  if (request.trackingFolder !== null) refuseOtherFolder(deps, request.trackingFolder);
  const execution = currentExecution();
  const training = identifyTraining(request);
  const known = await findAttempt(deps, training);
  const logged = known?.logged['train'] === training.trainKey ? known : undefined;
  // The folder stays until the model is logged, so that the model need not be fetched from the store.
  return withScratch(deps, async (folder) => {
    const file = join(folder, 'model.json');
    if (logged !== undefined) {
      const { result } = await fit(deps, request, file);
      const isUnregistered = logged.model_version === null && !isTrial(request);
      return makeTrackedResult(
        deps,
        result,
        isUnregistered
          ? await onRun(deps, logged, () => registerTrained(deps, logged, execution))
          : logged,
      );
    }
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
    return logFitted(deps, request, fitted.value, { run: run.value, training, execution });
  });
}

/** A training attempt, and the cache key of what is trained. */
type Training = AttemptOf & { trainKey: string };

function identifyTraining(request: Request): Training {
  const { pipeline, batch, force } = request;
  const trainKey = stageKey(identityOf('train', request));
  return { pipeline, batch, trainKey, attempt: attemptId({ pipeline, batch, trainKey, force }) };
}

/** A fitted model: the result of the stage and, if it was fitted just now, the file of the model. */
interface Fitted {
  result: StageOutcome<'train'>;
  file?: FittedFile;
}

/** First step: fits the model into `file` and stores it, unless the stage cache has it. */
async function fit(deps: Deps, request: Request, file: string): Promise<Fitted> {
  let fitted: FittedFile | undefined;
  const result = await runStage(deps, 'train', request, async (context) => {
    const made = await fitInto(deps, request.params, context, file);
    fitted = { file, sha256: made.outputs.model.sha256 };
    return made;
  });
  return { result, ...(fitted === undefined ? {} : { file: fitted }) };
}

/** Opens the MLflow run of the attempt; undefined when logging is deferred. */
async function openRun(
  deps: Deps,
  request: Request,
  training: Training,
  execution: Execution,
): Promise<OpenAttempt | undefined> {
  return orDefer(mayDefer(deps, request), execution, async () => {
    const { pipeline, batch, attempt, trainKey } = training;
    const parent = await openPipelineRun(deps, pipeline, execution);
    const { trial = null } = request;
    const tags = trainingTags(deps, { ...request, trial }, execution, parent);
    const name = nameRun(request);
    const run = await openAttempt(deps, { pipeline, batch, attempt }, execution, { name, tags });
    const isLogged = run.logged['train'] === trainKey;
    if (!isLogged && run.owner !== execution.token)
      await onRun(deps, run, () => adopt(deps, run, tags));
    return run;
  });
}

/** Second step: logs the model, its params, data sets and version to MLflow. Repeating it adds nothing. */
async function logFitted(
  deps: Deps,
  request: Request,
  { result, file }: Fitted,
  {
    run,
    training,
    execution,
  }: { run: OpenAttempt | undefined; training: Training; execution: Execution },
): Promise<Result> {
  const details = {
    request,
    result,
    execution,
    sourceName: sourceIdentity(request.params.data.source).name,
    fitted: file,
    register: !isTrial(request),
  };
  const logged =
    run &&
    (await orDefer(mayDefer(deps, request), execution, () =>
      onRun(deps, run, () => logTraining(deps, run, details)),
    ));
  if (logged !== undefined) return makeTrackedResult(deps, result, logged);
  const warnings = [...result.warnings, deferredWarning(deps)];
  return { ...result, warnings, attempt: training.attempt, mlflow: null };
}

function isTrial({ trial = null }: Request): boolean {
  return trial !== null;
}

function mayDefer(deps: Deps, request: Request): boolean {
  return deps.deferTracking === true && request.mayDefer;
}

function makeTrackedResult(
  deps: Deps,
  result: StageOutcome<'train'>,
  attempt: OpenAttempt,
): Result {
  const mlflow = trackedRun(deps, attempt);
  const warnings = [...result.warnings];
  if (mlflow.modelVersion === null && isDirectoryUri(deps.tracker.uri))
    warnings.push(
      `no registry version is created: ${directoryOf(deps.tracker.uri)} is a directory, and only a tracking server has a registry`,
    );
  return { ...result, warnings, attempt: attempt.attempt, mlflow };
}

/** Takes over an MLflow run that another execution opened: it shows as running again, and this execution ends it. */
async function adopt(deps: Deps, open: OpenAttempt, tags: Record<string, string>): Promise<void> {
  const { tracker } = deps;
  await Promise.all([tracker.resumeRun(open.run_id), tracker.setTags(open.run_id, tags)]);
  // If this worker was suspended, its successor may have ended the run before. Then the run must be ended again.
  const now = await findAttempt(deps, open);
  if (now?.logged['evaluate'] !== undefined)
    await tracker.finishRun(open.run_id, 'FINISHED', Date.now());
}
