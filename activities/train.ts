import { join } from 'node:path';
import { taskOf } from '../contract/params.ts';
import { attemptId } from '../store/attempts.ts';
import { at } from '../contract/ref.ts';
import { stageKey } from '../store/stage-cache.ts';
import { directoryOf } from '../tracking/place.ts';
import { findAttempt, onRun, openAttempt, trackedRun } from '../tracking/tracked-run/attempt.ts';
import type { OpenAttempt } from '../tracking/tracked-run/claim.ts';
import type { StageResult, TrainRequest, TrainResult } from '../contract/stages.ts';
import { stopIfOver } from './close_runs.ts';
import { deferredWarning, orDefer } from '../tracking/tracked-run/defer.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { withScratch } from '../store/scratch.ts';
import { aliasOf } from '../tracking/tracked-run/latest-alias.ts';
import {
  logTraining,
  trainingTags,
  type FittedFile,
} from '../tracking/tracked-run/log-training.ts';
import { refuseOtherFolder } from '../tracking/tracked-run/shared-folder.ts';
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
  params: ({ model: { task, ...model } }) => ({
    model: taskOf({ model: { task } }) === 'classification' ? model : { task, ...model },
  }),
  libraries: ['arquero', '@uwdata/flechette'],
  perBatch: true,
};

type Inputs = 'train' | 'encoder';

/** Fits the model into a file. */
async function fit(
  { deps, execution, params, batch, inputs, putFile }: StageContext<Inputs>,
  into: string,
): Promise<StageOutcome> {
  const { artifacts } = deps.store;
  const parts = await artifacts.list(inputs.train);
  const encoder = await artifacts.get(inputs.encoder);
  const fitted = await deps.compute(
    'fitTree',
    {
      parts: await Promise.all(parts.map((part) => artifacts.getPart(part))),
      encoder,
      model: params.model,
      into,
    },
    execution.signal,
    ({ fraction, rows }) => execution.heartbeat({ stage: 'train', fraction, rows }),
  );
  const { rows, depth, leaves, warnings } = fitted;
  return {
    outputs: {
      model: await putFile(`${modelFolder(batch)}/model.json`, into),
      encoder: at(`${modelFolder(batch)}/encoder.json`, inputs.encoder),
    },
    facts: { rows, depth, leaves },
    warnings,
  };
}

/** Fits the model (or takes it from the cache) and sees that its one MLflow run has it all. */
export async function train(deps: Deps, request: TrainRequest): Promise<TrainResult> {
  if (request.trackingFolder !== undefined) refuseOtherFolder(deps, request.trackingFolder);
  // The folder stays until the model is logged, which needs no second way from the store then.
  return withScratch(deps, (folder) => trainIn(deps, request, join(folder, 'model.json')));
}

async function trainIn(deps: Deps, request: TrainRequest, file: string): Promise<TrainResult> {
  let made: FittedFile | undefined;
  const whole: Stage<Inputs> = {
    ...stage,
    run: async (context) => {
      const outcome = await fit(context, file);
      made = { file, sha256: outcome.outputs['model']!.sha256 };
      return outcome;
    },
  };
  const execution = currentExecution();
  const call = request as StageCall<Inputs>;
  const trainKey = stageKey(identityOf(stage, call));
  const { pipeline, batch, force } = request;
  const of = { pipeline, batch, attempt: attemptId({ pipeline, batch, trainKey, force }) };
  const known = await findAttempt(deps, of);
  if (request.cache === 'require' || known?.logged['train'] === trainKey) {
    const result = await runStage(deps, whole, call);
    if (known?.logged['train'] === trainKey) return trackedResult(deps, result, known);
  }
  // The run is open while the model is fitted: MLflow's page shows it as running.
  const tags = trainingTags(deps, request, execution);
  const [fitted, opened] = await Promise.allSettled([
    runStage(deps, whole, call),
    orDefer(deps, request.mayDefer, async () => {
      const open = await openAttempt(deps, of, execution, tags);
      const logged = open.logged['train'] === trainKey;
      if (!logged && open.owner !== execution.token)
        await onRun(deps, open, () => adopt(deps, open, tags));
      return open;
    }),
  ]);
  // Both are waited for: what is left running would run beside the next try.
  await stopIfOver(deps, execution);
  if (fitted.status === 'rejected') throw fitted.reason;
  if (opened.status === 'rejected') throw opened.reason;
  const [result, open] = [fitted.value, opened.value];
  const logged =
    open === undefined
      ? undefined
      : await orDefer(deps, request.mayDefer, () =>
          onRun(deps, open, () =>
            logTraining(deps, open, {
              request,
              result,
              execution,
              fitted: made,
              alias: aliasOf(batch),
            }),
          ),
        );
  if (logged !== undefined) return trackedResult(deps, result, logged);
  const warnings = [...result.warnings, deferredWarning(deps)];
  return { ...result, warnings, attempt: of.attempt, mlflow: null };
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
