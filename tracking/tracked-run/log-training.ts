import { join } from 'node:path';
import { RETRAIN } from '../../contract/command.ts';
import { canonicalJson } from '../../contract/canonical-json.ts';
import { objectKey } from '../../store/hash.ts';
import type { Compute } from '../../compute/pool.ts';
import { modelTypeOf } from '../../contract/defaults.ts';
import type { Ref } from '../../contract/ref.ts';
import { readCellSettings } from '../../pipeline/csv/cells.ts';
import { modelFiles } from '../model.ts';
import type { Dataset, ParamValue, Tracker } from '../tracker.ts';
import type { HandedInputs, StageOutcome, StageRequest } from '../../contract/stages.ts';
import type { Execution } from '../../contract/execution.ts';
import { makeRunsLink, makeTemporalLink } from '../../contract/links.ts';
import { withScratch } from '../../store/own-folder.ts';
import { escapeMarkdown } from '../../contract/markdown.ts';
import { formatTrialParams, type TrialParams } from '../../contract/trials.ts';
import { findAttempt, updateAttempt, type OpenAttempt, type TrackingDeps } from './attempt.ts';
import type { Store } from '../../store/index.ts';
import { NOTE_TAG, PARENT_TAG } from './pipeline-run.ts';

/** The parts of a worker that logging needs. */
export interface LoggingDeps extends TrackingDeps {
  store: Pick<Store, 'attempts' | 'artifacts' | 'bucket'>;
  /** Name that models are registered under. */
  modelName: string;
  scratch: string;
  /** The commit that this worker runs; undefined when it is not known. */
  gitCommit: string | undefined;
  /** Where people see runs in Temporal's Web UI. */
  temporal: { webUi: string; namespace: string };
}

/** The request of training. */
type TrainedRequest = Pick<StageRequest<'train'>, 'pipeline' | 'batch' | 'params'> & {
  inputs: Pick<HandedInputs<'train'>, 'train'>;
};

/** The result of training. */
type Trained = Pick<StageOutcome<'train'>, 'key' | 'outputs' | 'facts'>;

/** The tag that says whether a run is a trial, `true` or `false`. */
const TRIAL_TAG = 'retrain.trial';

/** The tag that says why a model has no ONNX file. */
const NO_ONNX_TAG = 'retrain.no_onnx';

/** The stage name under which an attempt stores which build its pages describe. */
export const DESCRIBED = 'publish_version';

/** A model's bytes on this machine, and the SHA-256 they were stored under. */
export interface FittedFile {
  file: string;
  sha256: string;
}

/** Returns the name of the run of a version or a trial. Publishing appends the build number. */
export function nameRun({
  pipeline,
  batch,
  trial,
}: Pick<TrainedRequest, 'pipeline' | 'batch'> & { trial?: TrialParams | null }): string {
  return `${pipeline}-v${batch}${trial == null ? '' : '-trial'}`;
}

/**
 * Tags of a training run: its pipeline, its batch, whether it is a trial, its workflow, and what it is in a sentence
 * until the version is published.
 * @param parent the run of the pipeline
 */
export function trainingTags(
  deps: Pick<LoggingDeps, 'gitCommit' | 'temporal'>,
  {
    pipeline,
    batch,
    trial,
  }: Pick<TrainedRequest, 'pipeline' | 'batch'> & { trial: TrialParams | null },
  { workflowId, runId }: Pick<Execution, 'workflowId' | 'runId'>,
  parent: { run_id: string },
): Record<string, string> {
  const page = makeTemporalLink(deps.temporal, { workflowId, runId });
  const what =
    trial === null
      ? `Version ${batch} of **${pipeline}**, which is not published yet`
      : `A trial of version ${batch} of **${pipeline}** with ${escapeMarkdown(formatTrialParams(trial))}, which is not published`;
  return {
    [PARENT_TAG]: parent.run_id,
    [NOTE_TAG]: `${what}: [the run in Temporal](${page}) shows its state.`,
    'retrain.pipeline': pipeline,
    'retrain.batch': String(batch),
    [TRIAL_TAG]: String(trial !== null),
    ...(trial === null ? {} : { 'retrain.trial_params': formatTrialParams(trial) }),
    'temporal.workflow_id': workflowId,
    'temporal.run_id': runId,
    ...(deps.gitCommit === undefined ? {} : { 'mlflow.source.git.commit': deps.gitCommit }),
    'mlflow.source.name': 'trainBatch',
    'mlflow.source.type': 'JOB',
  };
}

/**
 * Logs what training used and made: params, data sets, the model, and its version in the registry. Idempotent:
 * each part is searched for before it is created.
 */
export async function logTraining(
  deps: LoggingDeps & { compute: Compute },
  attempt: OpenAttempt,
  {
    request,
    result,
    execution,
    sourceName,
    fitted,
    register,
  }: {
    request: TrainedRequest;
    result: Trained;
    execution: Execution;
    /** The name shown for `data.source`, without the path of one machine. */
    sourceName: string;
    /** The model's file, if it was fitted on this machine just now. */
    fitted?: FittedFile | undefined;
    /** Whether the model gets a version in the registry. That of a trial has none. */
    register: boolean;
  },
): Promise<OpenAttempt> {
  const tracker = deps.tracker.withSignal(execution.signal);
  const { pipeline, batch } = request;
  const runId = attempt.run_id;
  const { model, encoder } = result.outputs;
  const { artifacts } = deps.store;
  const logModel = async (file: string): Promise<string> => {
    const encoderBytes = await artifacts.get(encoder);
    const cells = readCellSettings(request.params.data);
    return tracker.logModel(runId, {
      name: pipeline,
      files: async (identity) => {
        const into = `${file}.onnx`;
        const reason = await deps.compute(
          'writeOnnx',
          {
            type: modelTypeOf(request.params.model),
            model: file,
            encoder: encoderBytes,
            cells,
            into,
          },
          execution.signal,
        );
        if (reason !== null) await tracker.setTags(runId, { [NO_ONNX_TAG]: reason });
        return modelFiles({
          ...identity,
          model: { file },
          onnx: reason === null ? { file: into } : undefined,
          encoder: encoderBytes,
          cells,
          createdAt: attempt.claimed_at,
        });
      },
      tags: { 'retrain.attempt': attempt.attempt, 'retrain.sha256': model.sha256 },
      step: batch,
    });
  };
  const storeModel = async (): Promise<{ modelId: string; version: string | null }> => {
    const modelId =
      fitted?.sha256 === model.sha256
        ? await logModel(fitted.file)
        : await withScratch(deps, async (folder) => {
            const file = join(folder, 'model.json');
            await artifacts.toFile(model, file);
            return logModel(file);
          });
    const version = register ? await registerVersion(deps, tracker, attempt, modelId) : null;
    return { modelId, version };
  };
  const [{ modelId, version }] = await Promise.all([
    storeModel(),
    tracker.logParams(runId, flattenParams(request, sourceName)),
    tracker.logInputs(runId, [
      datasetOf(deps, request.inputs.train, `${pipeline}-train`, 'training'),
    ]),
    tracker.logMetrics(runId, trainingMetrics(result), {
      step: batch,
      timestamp: attempt.claimed_at,
    }),
  ]);
  return updateAttempt(deps, attempt, {
    model_id: modelId,
    model_name: deps.modelName,
    model_version: version,
    logged: { train: result.key },
  });
}

/** The description of a new registered model, in Markdown. */
function describeRegistered({ temporal }: LoggingDeps, pipeline: string): string {
  return [
    `The models of the pipeline **${pipeline}**, which is retrained after each batch of data. The alias \`batch-N\` names the model that is trained on batches 1 to N, and \`champion\` the one in production.`,
    `[Its runs in Temporal](${makeRunsLink(temporal, pipeline)}) · from a terminal: \`${RETRAIN} list --pipeline ${pipeline}\``,
  ].join('\n\n');
}

/** Registers the model of a run. A repeat returns the same version. */
async function registerVersion(
  deps: LoggingDeps,
  tracker: Tracker,
  { pipeline, batch, attempt, run_id: runId }: OpenAttempt,
  modelId: string,
): Promise<string | null> {
  const tags = { 'retrain.batch': String(batch), 'retrain.attempt': attempt };
  const modelDescription = describeRegistered(deps, pipeline);
  return tracker.registerModel({ name: deps.modelName, modelId, runId, tags, modelDescription });
}

/**
 * Registers the model of a published build that is logged: a trial has logged it, whose run is no trial any more, or a
 * person may have deleted its version.
 */
export async function registerTrained(
  deps: LoggingDeps,
  attempt: OpenAttempt,
  { signal }: Execution,
): Promise<OpenAttempt> {
  const tracker = deps.tracker.withSignal(signal);
  const { model_version: known, model_name: name, run_id: runId } = attempt;
  const [version] = await Promise.all([
    registerVersion(deps, tracker, attempt, attempt.model_id!),
    known === null ? tracker.setTags(runId, { [TRIAL_TAG]: 'false' }) : undefined,
  ]);
  if (version === known && name === deps.modelName) return attempt;
  return updateAttempt(deps, attempt, {
    model_name: deps.modelName,
    model_version: version,
    logged: { [DESCRIBED]: '' }, // the new version has no description yet
  });
}

/** Returns the alias of a batch in the registry. It points at the model of the published build, and at no other. */
export function aliasOf(batch: number): string {
  return `batch-${batch}`;
}

/**
 * Points the alias of a version at the model of its latest build, also when another build becomes the latest
 * meanwhile. A build that is not logged yet gets the alias when it is logged.
 */
export async function pointAtLatest(
  deps: TrackingDeps & { store: Pick<Store, 'records'> },
  pipeline: string,
  batch: number,
): Promise<void> {
  let pointed: number | undefined;
  for (;;) {
    const { seq, attempt } = await deps.store.records.latest(pipeline, batch);
    if (seq === pointed) return;
    const tracked = await findAttempt(deps, { pipeline, attempt });
    const { model_name: name = null, model_version: version = null } = tracked ?? {};
    if (name === null || version === null) return;
    await deps.tracker.setAlias({ name, alias: aliasOf(batch), version });
    pointed = seq;
  }
}

/** Describes a directory of parts as an MLflow data set. Its digest is its MD5 in DVC. */
export function datasetOf(
  deps: { store: Pick<Store, 'bucket'> },
  ref: Ref,
  name: string,
  context: Dataset['context'],
): Dataset {
  const uri = `s3://${deps.store.bucket.location.bucket}/${objectKey(ref.md5)}`;
  return {
    name,
    digest: ref.md5.replace(/\.dir$/, ''),
    sourceType: 's3',
    source: JSON.stringify({ uri }),
    context,
  };
}

/** Lists the params under their dotted names. The source is named without the path of one machine. */
function flattenParams(
  { params, batch }: TrainedRequest,
  sourceName: string,
): Record<string, ParamValue> {
  const flat: Record<string, ParamValue> = { batch };
  for (const [section, fields] of Object.entries(params))
    for (const [name, value] of Object.entries(fields))
      flat[`${section}.${name}`] = isScalar(value) ? value : canonicalJson(value);
  flat['data.source'] = sourceName;
  return flat;
}

function isScalar(value: unknown): value is ParamValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** Returns the number of train rows and the numbers in the model's description. */
function trainingMetrics({ facts: { rows, ...model } }: Trained): Record<string, number> {
  const numbers = Object.entries(model).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return { train_rows: rows, ...Object.fromEntries(numbers) };
}
