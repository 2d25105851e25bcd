import { CancellationScope, log, proxyActivities } from '@temporalio/workflow';
import type {
  Activities,
  CloseRunsRequest,
  EndNotice,
  NotifyRequest,
} from '../contract/activities.ts';
import type { PinnedRun } from '../contract/train-batch.ts';
import { RETRY } from './activity-options.ts';

const { close_runs } = proxyActivities<Pick<Activities, 'close_runs'>>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '2m', // a failing run must not wait for a tracking server that is down
  retry: RETRY,
});

const { notify } = proxyActivities<Pick<Activities, 'notify'>>({
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '2m', // a run does not wait for long to report its end
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 6 },
});

/** Ends the MLflow runs that this execution left open. If that fails, the run does not fail with it. */
export async function closeRuns(
  run: PinnedRun | undefined,
  status: CloseRunsRequest['status'],
): Promise<void> {
  try {
    await CancellationScope.nonCancellable(() =>
      close_runs.executeWithOptions({ summary: status.toLowerCase() }, [
        { ...(run === undefined ? {} : { pipeline: run.pipeline }), status },
      ]),
    );
  } catch (error) {
    log.warn('could not end the MLflow run', { error });
  }
}

/** Reports to the worker's webhook, if it has one, how the run ended. If that fails, the run does not fail with it. */
export async function notifyEnd(run: PinnedRun | undefined, ending: EndNotice): Promise<void> {
  if (run?.notify !== true) return;
  await CancellationScope.nonCancellable(() => sendNotice(ending, `that it is ${ending.outcome}`));
}

/** Sends a notice to the worker's webhook. It does not fail where the webhook does not answer. */
export async function sendNotice(notice: NotifyRequest, summary: string): Promise<void> {
  try {
    await notify.executeWithOptions({ summary }, [notice]);
  } catch (error) {
    log.warn('could not notify the webhook', { error });
  }
}
