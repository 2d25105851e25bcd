import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Conflict, SetupError } from '../contract/failures.ts';
import { type Difference, joinRun } from '../contract/messages.ts';
import type { Params } from '../contract/params.ts';
import { RAW_FILES } from '../contract/paths.ts';
import { isDirectory, type Ref } from '../contract/ref.ts';
import { LAST_STAGE, type StageName } from '../contract/stages.ts';
import { workflowIdOf, type Repair, type TrainBatchInput } from '../contract/train-batch.ts';
import { isOpen } from '../contract/execution.ts';
import { isDirectoryUri } from '../tracking/place.ts';
import type { trainBatch } from '../workflows/index.ts';
import { escapeMarkdown } from '../contract/markdown.ts';
import { formatMinute } from './format.ts';
import { say } from './print.ts';
import { readRunParams, type Session } from './session.ts';
import { upload } from './upload.ts';
import { explainStuck, NO_ANSWER } from './waiting.ts';
import { RETRAIN } from '../contract/command.ts';

/** A run that a person asks for. */
export interface Request {
  pipeline: string;
  batch: number;
  set: Record<string, unknown>;
  until?: StageName | undefined;
  only?: StageName | undefined;
  force?: boolean | undefined;
  /** Publish the version, also with other params than those of the pipeline. */
  publish?: boolean | undefined;
  withMissing?: boolean | undefined;
  /** Look for new rows at the source. */
  refresh?: boolean | undefined;
  /** MD5s of objects known to be missing or damaged. */
  damaged?: string[] | undefined;
  /** For a run that makes the objects of the published build again. */
  repair?: Repair | undefined;
}

/** A running workflow, started by this client or by another. */
export interface Started {
  workflowId: string;
  runId: string;
  joined: boolean;
  /** The source that this machine uploaded for it. */
  source?: Ref | undefined;
}

/**
 * Starts a run, or joins the running one if it does the same work.
 * @param params of the run, if the caller has read them
 * @throws BadParams for params that no run can have
 * @throws Conflict when the batch is running with other params
 */
export async function start(session: Session, request: Request, params?: Params): Promise<Started> {
  const workflowId = workflowIdOf(request);
  const input = await makeInput(
    session,
    request,
    params ?? (await readRunParams(session, request.set)).params,
  );
  for (;;) {
    try {
      const handle = await session.client.workflow.start<typeof trainBatch>('trainBatch', {
        workflowId,
        taskQueue: session.config.taskQueue,
        args: [input],
        staticSummary: `${request.pipeline} · batch ${request.batch}`,
        staticDetails: writeStaticDetails(session, request),
      });
      const { source } = input;
      return { workflowId, runId: handle.firstExecutionRunId, joined: false, source };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const joined = await join(session, workflowId, input);
      if (joined !== undefined) return joined;
    }
  }
}

/** How long a running workflow may take to answer whether it does the same work. Without a worker none answers. */
const ANSWER_MS = 15_000;

/** Joins the running workflow if it does the same work; undefined if it has ended meanwhile. */
async function join(
  { client }: Session,
  workflowId: string,
  input: TrainBatchInput,
): Promise<Started | undefined> {
  const { runId, status } = await client.workflow.getHandle(workflowId).describe();
  if (!isOpen(status)) return undefined;
  const handle = client.workflow.getHandle<typeof trainBatch>(workflowId, runId);
  let differences: Difference[];
  try {
    differences = await client.connection.withDeadline(Date.now() + ANSWER_MS, () =>
      handle.executeUpdate(joinRun, { args: [input] }),
    );
  } catch (error) {
    const { status: now, raw } = await handle.describe();
    if (!isOpen(now)) return undefined;
    if (error instanceof WorkflowUpdateFailedError) throw error;
    const why = (await explainStuck(handle, raw)) ?? NO_ANSWER;
    throw new SetupError(`${workflowId} is running, but ${why}`, { cause: error });
  }
  if (differences.length > 0)
    throw new Conflict(
      `${workflowId} is running with other params (${differences.map(describeDifference).join('; ')}): wait for it, or cancel it first`,
      { details: { workflowId, runId } },
    );
  return { workflowId, runId, joined: true };
}

function describeDifference({ key, running, asked }: Difference): string {
  return `${key} is ${JSON.stringify(running)} there and ${JSON.stringify(asked)} here`;
}

async function makeInput(
  session: Session,
  request: Request,
  params: Params,
): Promise<TrainBatchInput> {
  const { batch, pipeline, set, until, only, force, publish, damaged, repair } = request;
  const { withMissing, refresh } = request;
  const place = session.tracker.place();
  const options = { pipeline, rewrite: force === true || damaged !== undefined };
  const source = await upload(session, params.data, options);
  return {
    batch,
    pipeline,
    ...(Object.keys(set).length > 0 ? { params: set } : {}),
    ...(source === undefined ? {} : { source }),
    ...(until === undefined ? {} : { until }),
    ...(only === undefined ? {} : { only }),
    ...(force === true ? { force } : {}),
    ...(publish === true ? { publish } : {}),
    ...(place.includes('#') && isDirectoryUri(place) ? { trackingFolder: place } : {}),
    ...(withMissing === true ? { with_missing: true } : {}),
    ...(refresh === true ? { refresh: true } : {}),
    ...(damaged === undefined ? {} : { damaged }),
    ...(repair === undefined ? {} : { repair }),
  };
}

/** The purpose and settings of a run in Markdown, for its page in Temporal's Web UI. */
export function writeStaticDetails(
  { config, tracker, store }: Pick<Session, 'config' | 'tracker' | 'store'>,
  { pipeline, batch, set, until, only, force }: Request,
): string {
  const doing =
    only !== undefined
      ? `Stage **${only}** alone.`
      : until !== undefined && until !== LAST_STAGE
        ? `The stages up to **${until}**.`
        : `Version ${batch} of **${escapeMarkdown(pipeline)}**: the model retrained on ${batch === 1 ? 'batch 1' : `batches 1–${batch}`}.`;
  const changed =
    Object.keys(set).length > 0 ? ` With \`${JSON.stringify(set)}\` over params.yaml.` : '';
  const at = /^https?:/.test(tracker.uri)
    ? `[${tracker.uri}](${tracker.uri})`
    : `\`${tracker.uri}\``;
  return [
    `${doing}${changed}${force === true ? ' Forced: nothing is taken from the cache.' : ''}`,
    [
      `- requested ${formatMinute(new Date().toISOString())}`,
      `- MLflow experiment \`${config.tracking.experimentName}\` at ${at}`,
      `- artifacts in \`s3://${store.bucket.location.bucket}\``,
      `- from a terminal: \`${RETRAIN} status ${batch} --pipeline ${pipeline}\``,
    ].join('\n'),
  ].join('\n\n');
}

/**
 * Starts a run again after it failed because an object that this machine uploaded is missing or damaged in the
 * bucket. The new run uploads it again, which no worker can do.
 * @returns undefined where the run failed for another reason, or this machine does not have these bytes
 */
export async function sendAgain(
  session: Session,
  { source }: Pick<Started, 'source'>,
  request: Request,
  error: unknown,
): Promise<Started | undefined> {
  const lost = findLostObject(error);
  if (source === undefined || lost === undefined || request.damaged !== undefined) return undefined;
  const ours = isDirectory(source) ? lost.path.startsWith(RAW_FILES) : lost.md5 === source.md5;
  if (!ours) return undefined;
  say(`${lost.path} is missing or damaged in the bucket: it is sent again`, 'warning');
  return start(session, { ...request, damaged: [lost.md5] });
}

/** The missing or damaged object that made a run fail. */
function findLostObject(error: unknown): Pick<Ref, 'path' | 'md5'> | undefined {
  const failure = error instanceof WorkflowFailedError ? error.cause : undefined;
  if (!(failure instanceof ApplicationFailure) || failure.type !== 'DamagedArtifact')
    return undefined;
  const [facts] = (failure.details ?? []) as { ref?: Pick<Ref, 'path' | 'md5'> }[];
  return facts?.ref;
}
