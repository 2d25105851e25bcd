import type { Compute } from '../compute/pool.ts';
import { MissingHistory } from '../contract/failures.ts';
import { findStage } from '../contract/stages.ts';
import type { LoggedVersion, LogVersionInput } from '../contract/versions.ts';
import { sourceIdentity } from '../sources/identity.ts';
import type { Store } from '../store/index.ts';
import { readParams, requireKept } from '../store/record-check.ts';
import type { VersionRecord } from '../store/version-record.ts';
import { refuseOtherFolder } from '../tracking/place.ts';
import {
  findAttempt,
  forgetRun,
  openAttempt,
  trackedRun,
  type AttemptOf,
} from '../tracking/tracked-run/attempt.ts';
import { pointChampion } from '../tracking/tracked-run/champion-alias.ts';
import { describeInTracker } from '../tracking/tracked-run/describe-version.ts';
import { openPipelineRun } from '../tracking/tracked-run/pipeline-run.ts';
import { logEvaluation } from '../tracking/tracked-run/log-evaluation.ts';
import {
  logTraining,
  nameRun,
  pointAtLatest,
  registerTrained,
  trainingTags,
  type LoggingDeps,
} from '../tracking/tracked-run/log-training.ts';
import { readContents, currentExecution } from './run-stage.ts';
import { RETRAIN } from '../contract/command.ts';

type Deps = LoggingDeps & { compute: Compute; store: Pick<Store, 'records' | 'champions'> };

/**
 * Logs a build from its record to the tracking server that this worker uses now, and publishes it on request. It adds
 * only what the training attempt has not logged there yet, so it can be repeated. The times are those of the build.
 * @throws MissingHistory when there is no such build, or when the artifacts of a build to publish were removed
 */
export async function logVersion(deps: Deps, input: LogVersionInput): Promise<LoggedVersion> {
  const { pipeline, version, trackingFolder } = input;
  if (trackingFolder !== undefined) refuseOtherFolder(deps, trackingFolder);
  const execution = currentExecution();
  const record = await deps.store.records.readBuild(input);
  if (input.publish === true) await requireKept(deps.store.records, record);
  const of: AttemptOf = { pipeline, batch: version, attempt: record.attempt };
  const { training, trainInputs, scoring, scoreInputs } = readStages(record);
  const isTrial = input.publish !== true && (await deps.store.records.isTrial(record));
  const trial = isTrial ? record.trial : null;
  const { workflow_id: workflowId, run_id: runId } = record.workflow;
  const workflow = { workflowId, runId };

  let attempt = await findAttempt(deps, of);
  if (attempt !== undefined && !(await deps.tracker.hasRun(attempt.run_id))) {
    await forgetRun(deps, attempt);
    attempt = undefined;
  }
  const known = attempt;
  if (attempt === undefined) {
    const parent = await openPipelineRun(deps, pipeline, execution);
    const name = nameRun({ ...of, trial });
    const tags = trainingTags(deps, { ...of, trial }, workflow, parent);
    attempt = await openAttempt(deps, of, execution, { name, tags });
  }
  if (attempt.logged['train'] !== training.key) {
    const params = readParams(record);
    attempt = await logTraining(deps, attempt, {
      request: { ...of, params, inputs: trainInputs },
      result: training,
      execution,
      sourceName: sourceIdentity(params.data.source).name,
      register: !isTrial,
    });
  } else if (!isTrial) attempt = await registerTrained(deps, attempt, execution);
  if (attempt.logged['evaluate'] !== scoring.key) {
    const request = { ...of, inputs: scoreInputs };
    const at = Date.parse(record.created_at);
    await logEvaluation(deps, attempt, { request, result: scoring, execution, at });
  }
  const { run_id, model_version } = attempt;
  if (input.publish === true) await deps.store.records.publishAgain(record);
  await describeInTracker(deps, attempt, record, { execution, isTrial });
  if (!isTrial) await pointAtLatest(deps, pipeline, version);
  await pointChampion(deps, pipeline);
  await deps.store.records.noteLogged(record, { run_id, model_version });
  return {
    version,
    seq: record.seq,
    added:
      known?.logged['train'] !== training.key ||
      known.logged['evaluate'] !== scoring.key ||
      known.model_version !== model_version ||
      known.model_name !== attempt.model_name,
    mlflow: trackedRun(deps, attempt),
  };
}

/** The two stages of a record that are logged, and the data sets that they read. */
function readStages({ stages, pipeline, version }: VersionRecord) {
  const training = findStage(stages, 'train');
  const scoring = findStage(stages, 'evaluate');
  const train = training?.inputs.train;
  const test = scoring?.inputs.test;
  const metrics = scoring?.outputs.metrics;
  if (train === undefined || test === undefined || metrics === undefined)
    throw new MissingHistory(
      `the record of version ${version} of ${pipeline} does not say what was trained and scored: run it again with "${RETRAIN} run ${version} --pipeline ${pipeline}"`,
    );
  return {
    training: { key: training!.key, ...readContents('train', training!) },
    trainInputs: { train },
    scoring: { key: scoring!.key, outputs: { ...scoring!.outputs, metrics } },
    scoreInputs: { test },
  };
}
