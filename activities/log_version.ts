import { parseParams } from '../contract/params.ts';
import { paramsSchema } from '../pipeline/models/params.ts';
import { MissingHistory } from '../contract/failures.ts';
import type { VersionRecord } from '../store/version-record.ts';
import {
  type AttemptOf,
  findAttempt,
  forgetRun,
  openAttempt,
  trackedRun,
} from '../tracking/tracked-run/attempt.ts';
import type { EvaluateRequest, StageRequest, StageResult } from '../contract/stages.ts';
import type { LoggedVersion, LogVersionInput } from '../contract/versions.ts';
import { sourceIdentity } from '../sources/identity.ts';
import type { Deps } from './deps.ts';
import { currentExecution } from './execution.ts';
import { logTraining, pointAtLatest, trainingTags } from '../tracking/tracked-run/log-training.ts';
import { logEvaluation } from '../tracking/tracked-run/log-evaluation.ts';
import { refuseOtherFolder } from '../tracking/place.ts';

/**
 * Logs a version that was built, from its record, to where this worker tracks now: by the attempt's
 * protocol, so that what is there already is left as it is. Times are those of the build.
 * @throws MissingHistory when the version has not been built.
 */
export async function logVersion(deps: Deps, input: LogVersionInput): Promise<LoggedVersion> {
  const { pipeline, version, trackingFolder } = input;
  if (trackingFolder !== undefined) refuseOtherFolder(deps, trackingFolder);
  const execution = currentExecution();
  const record = await buildOf(deps, input);
  const of: AttemptOf = { pipeline, batch: version, attempt: record.attempt };
  const [training, scoring] = [stageOf(record, 'train'), stageOf(record, 'evaluate')];
  const request = requestOf(record, training.inputs);
  const workflow = { ...execution, workflowId: record.workflow.workflow_id };
  const tags = trainingTags(deps, request, { ...workflow, runId: record.workflow.run_id });

  let attempt = await findAttempt(deps, of);
  if (attempt !== undefined && !(await deps.tracker.hasRun(attempt.run_id))) {
    await forgetRun(deps, attempt);
    attempt = undefined;
  }
  const before = attempt?.logged ?? {};
  attempt ??= await openAttempt(deps, of, execution, tags);
  if (attempt.logged['train'] !== training.key)
    attempt = await logTraining(deps, attempt, {
      request,
      result: training,
      execution,
      sourceName: sourceIdentity(request.params.data.source).name,
    });
  if (attempt.logged['evaluate'] !== scoring.key) {
    const asked: EvaluateRequest = {
      ...requestOf(record, scoring.inputs),
      attempt: record.attempt,
    };
    const at = Date.parse(record.created_at);
    await logEvaluation(deps, attempt, { request: asked, result: scoring, execution, at });
  }
  const { run_id, model_version } = attempt;
  await pointAtLatest(deps, pipeline, version);
  await deps.store.records.noteLogged(record, { run_id, model_version });
  return {
    version,
    seq: record.seq,
    added: before['train'] !== training.key || before['evaluate'] !== scoring.key,
    mlflow: trackedRun(deps, attempt),
  };
}

/** The build that is asked for, the latest unless it is named. */
async function buildOf(
  { store }: Deps,
  { pipeline, version, seq }: LogVersionInput,
): Promise<VersionRecord> {
  if (seq === undefined) return store.records.latest(pipeline, version);
  const record = await store.records.read(pipeline, version, seq);
  if (record !== undefined) return record;
  throw new MissingHistory(`version ${version} of ${pipeline} has no build ${seq}`);
}

type RecordedStage = StageResult & Pick<StageRequest, 'inputs'>;

/** A stage of a record in the shape in which it was answered. */
function stageOf(record: VersionRecord, name: string): RecordedStage {
  const ran = record.stages.find(({ stage }) => stage === name);
  if (ran === undefined)
    throw new MissingHistory(
      `the record of version ${record.version} of ${record.pipeline} has no stage ${name}: run it again with "run ${record.version}"`,
    );
  const { key, cached, inputs, outputs, facts, warnings } = ran;
  const times = { durationMs: ran.duration_ms, startedAt: ran.started_at };
  return { stage: name, key, cached, inputs, outputs, facts, warnings, healed: [], ...times };
}

function requestOf(
  { pipeline, version, params }: VersionRecord,
  inputs: StageRequest['inputs'],
): StageRequest {
  return {
    pipeline,
    batch: version,
    params: parseParams(paramsSchema, params, 'the version record'),
    cache: 'require',
    damaged: [],
    inputs,
    force: null,
  };
}
