import {
  ActivityFailure,
  CancellationScope,
  continueAsNew,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../contract/activities.ts';
import type {
  NightlyInput,
  NightlySummary,
  PendingBatch,
  PendingBatches,
  PinnedNightly,
} from '../contract/nightly.ts';
import { toWorkflowFailure } from './failure.ts';
import { runBatch } from './run-batch.ts';
import { SLOW_RETRY } from './activity-options.ts';
import { nightlyProgress } from '../contract/messages.ts';
import { NightlyLog } from './nightly-log.ts';

/** The most batches of one run. A longer backlog continues in a new run, so that no history grows without limit. */
export const BATCHES_A_RUN = 50;

const { find_pending } = proxyActivities<Pick<Activities, 'find_pending'>>({
  startToCloseTimeout: '6h', // the first run can have years of files to read
  heartbeatTimeout: '2m',
  retry: SLOW_RETRY,
  summary: 'which batches have no version',
});
const { pin_nightly } = proxyLocalActivities<Pick<Activities, 'pin_nightly'>>({
  startToCloseTimeout: '10s',
  summary: 'check the input, fix the params',
});

/**
 * Finds the batches that have arrived and have no version, and runs them in order, each in a workflow as if
 * it were started by hand. The input can be `{}`: it runs the same under a Schedule, under a cron, or when a
 * person starts it. A batch that fails stops the batches after it, because their versions contain it.
 */
export async function nightly(input: NightlyInput): Promise<NightlySummary> {
  try {
    return await runPending(input);
  } catch (error) {
    throw error instanceof ActivityFailure ? toWorkflowFailure(error, undefined) : error;
  }
}

async function runPending(input: NightlyInput): Promise<NightlySummary> {
  const pinned = pin_nightly(input);
  let nightlyLog: NightlyLog | undefined;
  setHandler(nightlyProgress, () => nightlyLog?.summary ?? null);
  const run = await pinned;
  upsertMemo({ pipeline: run.pipeline });
  nightlyLog = new NightlyLog(run, setCurrentDetails);
  let look = true;
  for (;;) {
    // The pending batches are read again for each batch, because another workflow may have run it since.
    const pending: PendingBatches = await find_pending({ ...run, look });
    nightlyLog.found(pending);
    const next = pending.batches.find(({ batch }) => !nightlyLog.isDone(batch));
    if (next === undefined && look) return nightlyLog.finish();
    look = next === undefined; // a last look at the end finds batches that have arrived meanwhile
    if (next === undefined) continue;
    if (nightlyLog.doneCount >= BATCHES_A_RUN || workflowInfo().continueAsNewSuggested)
      // With the same input, because a cron gives it to all later runs.
      return continueAsNew<typeof nightly>(input);
    await runOrWait(run, nightlyLog, next);
  }
}

/** Runs a batch, or waits while another runs it. */
async function runOrWait(
  run: PinnedNightly,
  nightlyLog: NightlyLog,
  { batch, params }: PendingBatch,
): Promise<void> {
  for (let waits = 0; ; waits++) {
    nightlyLog.running(batch);
    try {
      const { version, warnings, promotion } = await runBatch(makeInput(run, batch, params));
      return nightlyLog.done(batch, { score: version?.score, promotion }, warnings);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        if (CancellationScope.current().consideredCancelled) throw error;
        throw nightlyLog.fail(batch, error);
      }
    }
    log.info('the batch is being run by another workflow: waiting for it', { batch });
    nightlyLog.elsewhere(batch);
    await sleep(Math.min(5_000 * 2 ** waits, 60_000), {
      summary: `batch ${batch} is being run by another workflow`,
    });
    const { batches } = await find_pending({ ...run, look: false });
    if (!batches.some((one) => one.batch === batch)) return nightlyLog.done(batch);
    if (workflowInfo().continueAsNewSuggested) return; // the caller finds it again
  }
}

function makeInput(
  { pipeline, params, source }: PinnedNightly,
  batch: number,
  own: Record<string, unknown> | undefined,
) {
  return {
    batch,
    pipeline,
    params: own === undefined ? { ...params } : overlay(params, own),
    publish: true, // also where the params of the night differ from those of the pipeline
    ...(source === null ? {} : { source }),
  };
}

/** Lays the params of a stale version over those of the night. A model that names its type is whole. */
function overlay(params: object, own: Record<string, unknown>): Record<string, unknown> {
  const sections = Object.entries(params).map(([section, fields]) => {
    const other = own[section] as object | undefined;
    const isWhole = section === 'model' && other !== undefined && 'type' in other;
    return [section, isWhole ? other : { ...(fields as object), ...other }];
  });
  return Object.fromEntries(sections) as Record<string, unknown>;
}
