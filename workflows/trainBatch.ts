import {
  allHandlersFinished,
  CancelledFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../contract/activities.ts';
import { readGate } from '../contract/defaults.ts';
import { LAST_STAGE, stagesUntil } from '../contract/stages.ts';
import type { PinnedRun, RunSummary, TrainBatchInput } from '../contract/train-batch.ts';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { HEARTBEAT_TIMEOUT, overrideHeartbeat, RETRY } from './activity-options.ts';
import { findDamaged, toWorkflowFailure, hasTrackingMoved } from './failure.ts';
import { listDifferences, joinRun } from '../contract/messages.ts';
import { buildMissing } from './missing.ts';
import { logVersion } from './logVersion.ts';
import { proposeBuild } from './propose.ts';
import { RunView } from './run-view.ts';
import { closeRuns, notifyEnd } from './end-run.ts';
import { StageRunner } from './stage-runner.ts';

const { publish_version } = proxyActivities<Pick<Activities, 'publish_version'>>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: RETRY,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
});
const { pin_run } = proxyLocalActivities<Pick<Activities, 'pin_run'>>({
  startToCloseTimeout: '10s',
  summary: 'check the input, fix the params',
});

/**
 * Makes version N: retrains the model on batches 1..N. Only `batch` is required. Params that the input does not
 * set come from the worker's params.yaml, which is read once and pinned.
 */
export async function trainBatch(input: TrainBatchInput): Promise<RunSummary> {
  const pinned = pinWithGate(input);
  // The handlers are set before the first await, so that a message that arrives with the start finds them.
  setHandler(joinRun, async (asked) => listDifferences(await pinned, await pinWithGate(asked)));
  const view = new RunView();
  let stages: StageRunner | undefined;
  let run: PinnedRun | undefined;
  try {
    run = await pinned;
    stages = new StageRunner(run, workflowInfo().firstExecutionRunId, () => view.show());
    view.begin(run, stages.summary);
    if (run.withMissing) await buildMissing(run, input, (version) => view.waitFor(version));
    await runWithRepairs(run, stages);
  } catch (error) {
    const failure = toWorkflowFailure(toCancelled(error), stages?.fail());
    view.fail(failure);
    if (stages?.hasTracked() === true)
      await closeRuns(run, isCancellation(failure) ? 'KILLED' : 'FAILED');
    await notifyEnd(run, view.ending());
    throw failure;
  }
  view.complete();
  await notifyEnd(run, view.ending());
  await condition(allHandlersFinished);
  return stages.summary;
}

/**
 * Checks the input and fixes the params. A worker of an earlier program knows no gate: it pins a whole run until
 * `evaluate`, the last of its stages. Such a run goes on to the gate, as one of this program does.
 */
async function pinWithGate(input: TrainBatchInput): Promise<PinnedRun> {
  const run = await pin_run(input);
  const isEarlier = !('gate' in run.params) && run.until === 'evaluate';
  const isAsked = input.until !== undefined || input.only !== undefined;
  return isEarlier && !isAsked ? { ...run, until: LAST_STAGE } : run;
}

/** A cancelled run ends as cancelled, even if its stage failed or lost its worker while it stopped. */
function toCancelled(error: unknown): unknown {
  const asked = CancellationScope.current().consideredCancelled;
  return asked && !isCancellation(error) ? new CancelledFailure('the run was cancelled') : error;
}

/**
 * Runs the stages. If a stage finds an object missing or damaged, the stages run from the first once more, and
 * the stage that made the object makes it again. If training was logged to an MLflow server that is no longer
 * the one in use, training is logged again.
 */
async function runWithRepairs(run: PinnedRun, stages: StageRunner): Promise<void> {
  let moves = 0;
  for (;;) {
    try {
      return await runStages(run, stages);
    } catch (error) {
      const damaged = findDamaged(error);
      const again =
        damaged === undefined
          ? hasTrackingMoved(error) && moves++ < 3
          : stages.noteDamaged(damaged);
      if (!again || run.only !== null) throw error;
      log.warn('the stages run from the first once more', { damaged: damaged?.path });
    }
  }
}

/** Runs the stages in the order of the graph, each on what the stages before it made, then publishes. */
async function runStages(run: PinnedRun, stages: StageRunner): Promise<void> {
  for (const stage of stagesUntil(run.until)) await stages.run(stage);
  if (run.until === LAST_STAGE) return publish(run, stages);
  if (stages.hasTracked()) await closeRuns(run, 'FINISHED');
}

/** Writes the record of the version, or of the trial. If tracking was not available, another workflow logs the version later. */
async function publish(run: PinnedRun, stages: StageRunner): Promise<void> {
  const { pipeline, batch, params, paramsHash, force, trial, repair } = run;
  const mlflow = stages.handedOn('mlflow');
  const summary = trial === undefined ? `version ${batch}` : `trial of version ${batch}`;
  const version = await publish_version.executeWithOptions({ summary, ...overrideHeartbeat(run) }, [
    {
      pipeline,
      batch,
      params,
      paramsHash,
      ledgerRevision: stages.handedOn('ledgerRevision'),
      stages: stages.done(),
      attempt: stages.handedOn('attempt'),
      mlflow,
      healed: stages.summary.healed,
      comparisons: stages.summary.comparisons ?? [],
      forced: force,
      ...(trial === undefined ? {} : { trial }),
      ...(repair === undefined ? {} : { repair: true }),
    },
  ]);
  stages.summary.version = version;
  stages.summary.warnings.push(...(version.warnings ?? []));
  if (mlflow === null || version.deferred === true) await logLater(run, version.seq);
  if (trial === undefined && repair === undefined) await proposeVersion(run, stages, version.seq);
}

/** Proposes the version to the promotion of the pipeline, and notes the answer. */
async function proposeVersion(run: PinnedRun, stages: StageRunner, seq: number): Promise<void> {
  const { pipeline, batch, params, trackingFolder } = run;
  const promotion = await proposeBuild({
    pipeline,
    version: batch,
    seq,
    decision: stages.handedOn('decision'),
    gate: readGate(params),
    ...(trackingFolder === undefined ? {} : { trackingFolder }),
  });
  stages.summary.promotion = promotion;
  stages.summary.warnings.push(...promotion.warnings);
}

/** Logs the version as soon as tracking is available, in a workflow that this one does not wait for. */
async function logLater(
  { pipeline, batch, trackingFolder }: PinnedRun,
  seq: number,
): Promise<void> {
  const folder = trackingFolder === undefined ? {} : { trackingFolder };
  try {
    await startChild(logVersion, {
      workflowId: `${pipeline}-log-${batch}.${seq}`,
      parentClosePolicy: 'ABANDON',
      staticSummary: `${pipeline} · log version ${batch}`,
      args: [{ pipeline, version: batch, seq, ...folder }],
    });
  } catch (error) {
    // Another workflow waits to log this build already.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
