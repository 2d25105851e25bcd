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
  type ActivityInterfaceFor,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { CloseRunsRequest } from '../contract/activities.ts';
import type { PinnedRun, RunSummary, TrainBatchInput } from '../contract/train-batch.ts';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { damagedBy, failureOf, trackingMoved } from './failure.ts';
import { differences, joinRun } from '../contract/messages.ts';
import { buildMissing } from './missing.ts';
import { logVersion } from './logVersion.ts';
import { RunView } from './run-view.ts';
import { tellEnd } from './tell-end.ts';
import { StageLog } from './stage-log.ts';

const RETRY = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;

const STAGE = {
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: RETRY,
  // What a stage that is told to stop has under way ends before its MLflow run is ended, not after.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
} as const;
const A_DAY = '24h';
const stages = proxyActivities<Activities>(STAGE);
// A large source may come over a slow line.
const { get_data } = proxyActivities<Activities>({ ...STAGE, startToCloseTimeout: A_DAY });

/** The stages that compute, on the queue of the workers that are there for them, if there is one. */
function computing({
  cpuTaskQueue,
}: PinnedRun): Pick<ActivityInterfaceFor<Activities>, 'preprocess' | 'train' | 'evaluate'> {
  const options = cpuTaskQueue === undefined ? STAGE : { ...STAGE, taskQueue: cpuTaskQueue };
  const { preprocess, evaluate } = proxyActivities<Activities>(options);
  const { train } = proxyActivities<Activities>({ ...options, startToCloseTimeout: A_DAY });
  return { preprocess, train, evaluate };
}

const closing = proxyActivities<Pick<Activities, 'close_runs'>>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '2m', // a run that fails must not hang on a tracking server that is down
  retry: RETRY,
});
const { pin_run } = proxyLocalActivities<Pick<Activities, 'pin_run'>>({
  startToCloseTimeout: '10s',
  summary: 'check the input, fix the params',
});

/**
 * Makes version N: retrains on batches 1..N. Only `batch` is required; what the caller leaves out is
 * the worker's params.yaml, read once and pinned.
 */
export async function trainBatch(input: TrainBatchInput): Promise<RunSummary> {
  const pinned = pin_run(input);
  // Handlers are set before anything is awaited: a message that comes with the start finds them.
  setHandler(joinRun, async (asked) => differences(await pinned, await pin_run(asked)));
  const view = new RunView();
  let stageLog: StageLog | undefined;
  let run: PinnedRun | undefined;
  try {
    run = await pinned;
    stageLog = new StageLog(run, workflowInfo().firstExecutionRunId, () => view.show());
    view.begin(run, stageLog.summary);
    if (run.withMissing) await buildMissing(run, input, (version) => view.waits(version));
    await runHealing(run, stageLog);
  } catch (error) {
    const failure = failureOf(cancelledBy(error), stageLog?.fail());
    view.fail(failure);
    if (stageLog?.started('train') === true)
      await closeRuns(run, isCancellation(failure) ? 'KILLED' : 'FAILED');
    await tellEnd(run, view.ending());
    throw failure;
  }
  view.complete();
  await tellEnd(run, view.ending());
  await condition(allHandlersFinished);
  return stageLog.summary;
}

/** A stage may fail of the very thing that was to be stopped, or its worker be gone: the run was cancelled all the same. */
function cancelledBy(error: unknown): unknown {
  const asked = CancellationScope.current().consideredCancelled;
  return asked && !isCancellation(error) ? new CancelledFailure('the run was cancelled') : error;
}

/**
 * Runs the stages. Where one finds an object missing or damaged, its producer runs again first; where
 * MLflow has moved since training was logged, that is logged anew.
 */
async function runHealing(run: PinnedRun, stageLog: StageLog): Promise<void> {
  let moves = 0;
  for (;;) {
    try {
      return await runStages(run, stageLog);
    } catch (error) {
      const damaged = damagedBy(error);
      const again =
        damaged === undefined ? trackingMoved(error) && moves++ < 3 : stageLog.heal(damaged);
      if (!again || run.only !== null) throw error;
      log.warn('the stages run from the top once more', { damaged: damaged?.path });
    }
  }
}

/** The pipeline, top to bottom: each stage takes what those above it made. */
async function runStages(run: PinnedRun, stageLog: StageLog): Promise<void> {
  const compute = computing(run);
  const data = await stageLog.run('get_data', get_data, {
    source: run.source,
    ...(run.refresh === true ? { refresh: true } : {}),
    inputs: {},
  });
  if (run.until === 'get_data') return;
  const { raw, columns } = data.outputs;

  const prepared = await stageLog.run('prepare_batch', stages.prepare_batch, {
    inputs: { raw: raw!, columns: columns! },
  });
  if (run.until === 'prepare_batch') return;
  const ledgerRevision = Number(prepared.facts['ledger_revision']);

  const union = await stageLog.run('merge_data', stages.merge_data, { ledgerRevision, inputs: {} });
  if (run.until === 'merge_data') return;
  const { merged } = union.outputs;

  const processed = await stageLog.run('preprocess', compute.preprocess, {
    inputs: { merged: merged!, columns: columns! },
  });
  if (run.until === 'preprocess') return;
  const { train, test, encoder } = processed.outputs;

  const { trackingFolder } = run;
  const mayDefer = run.until === 'evaluate';
  const trained = await stageLog.run('train', compute.train, {
    ...(trackingFolder === undefined ? {} : { trackingFolder }),
    mayDefer,
    inputs: { train: train!, encoder: encoder! },
  });
  const { attempt } = trained;
  stageLog.summary.mlflow = trained.mlflow;
  if (run.until === 'train') return closeRuns(run, 'FINISHED');

  const scored = await stageLog.run('evaluate', compute.evaluate, {
    attempt,
    mayDefer,
    ...(trained.mlflow === null ? { deferred: true } : {}),
    inputs: { model: trained.outputs['model']!, encoder: encoder!, test: test! },
  });

  const { pipeline, batch, params, paramsHash } = run;
  const mlflow = scored.deferred === true ? null : trained.mlflow;
  stageLog.summary.mlflow = mlflow;
  stageLog.summary.version = await stages.publish_version.executeWithOptions(
    { summary: `version ${batch}` },
    [
      {
        pipeline,
        batch,
        params,
        paramsHash,
        ledgerRevision,
        stages: stageLog.done(),
        attempt,
        mlflow,
        healed: stageLog.summary.healed,
        forced: run.force,
      },
    ],
  );
  const { seq, deferred } = stageLog.summary.version;
  if (mlflow === null || deferred === true) await logLater(run, seq);
}

/** Logs the version as soon as tracking is back: a workflow of its own, which this one does not wait for. */
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
    // One waits to log this build already.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Ends the MLflow runs this execution left open; a failure to do so is not the run's. */
async function closeRuns(
  run: PinnedRun | undefined,
  status: CloseRunsRequest['status'],
): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() =>
      closing.close_runs.executeWithOptions({ summary: status.toLowerCase() }, [
        { ...(run === undefined ? {} : { pipeline: run.pipeline }), status },
      ]),
    );
  } catch (error) {
    log.warn('could not end the MLflow run', { error });
  }
}
