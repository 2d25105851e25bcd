import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  log,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PinnedRun, RunSummary, TrainBatchInput } from '../activities/contract.ts';
import { damagedBy, failureOf, trackingMoved } from './failure.ts';
import { differences, joinRun, progress } from './messages.ts';
import { StageLog } from './stage-log.ts';

const RETRY = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

const STAGE = { startToCloseTimeout: '1h', heartbeatTimeout: '30s', retry: RETRY } as const;
const stages = proxyActivities<Activities>(STAGE);

/** The stages that compute, on the queue of the workers that are there for them, if there is one. */
function computing({
  cpuTaskQueue,
}: PinnedRun): Pick<Activities, 'preprocess' | 'train' | 'evaluate'> {
  const options = cpuTaskQueue === undefined ? STAGE : { ...STAGE, taskQueue: cpuTaskQueue };
  const { preprocess, evaluate } = proxyActivities<Activities>(options);
  const { train } = proxyActivities<Activities>({ ...options, startToCloseTimeout: '24h' });
  return { preprocess, train, evaluate };
}

const closing = proxyActivities<Pick<Activities, 'close_runs'>>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '2m', // a run that fails must not hang on a tracking server that is down
  retry: RETRY,
});
const { pin_run } = proxyLocalActivities<Pick<Activities, 'pin_run'>>({
  startToCloseTimeout: '10s',
});

/**
 * Makes version N: retrains on batches 1..N. Only `batch` is required; what the caller leaves out is
 * the worker's params.yaml, read once and pinned.
 */
export async function trainBatch(input: TrainBatchInput): Promise<RunSummary> {
  const pinned = pin_run(input);
  // Set before anything is awaited: a message that comes with the start finds its handler.
  setHandler(joinRun, async (asked) => differences(await pinned, await pin_run(asked)));
  let stageLog: StageLog | undefined;
  setHandler(progress, () => stageLog?.summary ?? null);
  const run = await pinned;
  stageLog = new StageLog(run, workflowInfo().firstExecutionRunId);
  upsertMemo({ pipeline: run.pipeline, batch: run.batch, params: run.paramsHash });
  try {
    await runHealing(run, stageLog);
  } catch (error) {
    const stage = stageLog.fail();
    if (stageLog.started('train')) await closeRuns(isCancellation(error) ? 'KILLED' : 'FAILED');
    throw failureOf(error, stage);
  }
  await condition(allHandlersFinished);
  return stageLog.summary;
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
  const data = await stageLog.run('get_data', (ask) =>
    stages.get_data({ ...ask, source: run.source, inputs: {} }),
  );
  if (run.until === 'get_data') return;
  const { raw, columns } = data.outputs;

  const prepared = await stageLog.run('prepare_batch', (ask) =>
    stages.prepare_batch({ ...ask, inputs: { raw: raw!, columns: columns! } }),
  );
  if (run.until === 'prepare_batch') return;
  const ledgerRevision = Number(prepared.facts['ledger_revision']);

  const { merged } = (
    await stageLog.run('merge_data', (ask) =>
      stages.merge_data({ ...ask, ledgerRevision, inputs: {} }),
    )
  ).outputs;
  if (run.until === 'merge_data') return;

  const processed = await stageLog.run('preprocess', (ask) =>
    compute.preprocess({ ...ask, inputs: { merged: merged!, columns: columns! } }),
  );
  if (run.until === 'preprocess') return;
  const { train, test, encoder } = processed.outputs;

  const trained = await stageLog.run('train', (ask) =>
    compute.train({ ...ask, inputs: { train: train!, encoder: encoder! } }),
  );
  const { attempt, mlflow } = trained;
  stageLog.summary.mlflow = mlflow;
  if (run.until === 'train') return closeRuns('FINISHED');

  await stageLog.run('evaluate', (ask) =>
    compute.evaluate({
      ...ask,
      attempt,
      inputs: { model: trained.outputs['model']!, encoder: encoder!, test: test! },
    }),
  );

  const { pipeline, batch, params, paramsHash } = run;
  stageLog.summary.version = await stages.publish_version({
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
  });
}

/** Ends the MLflow runs this execution left open; a failure to do so is not the run's. */
async function closeRuns(status: 'FINISHED' | 'FAILED' | 'KILLED'): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() => closing.close_runs({ status }));
  } catch (error) {
    log.warn('could not end the MLflow run', { error });
  }
}
