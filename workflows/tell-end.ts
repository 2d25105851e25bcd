import { CancellationScope, log, proxyActivities } from '@temporalio/workflow';
import type { NotifyRequest } from '../contract/activities.ts';
import type { PinnedRun } from '../contract/train-batch.ts';
import type { Activities } from '../activities/index.ts';

const { notify } = proxyActivities<Pick<Activities, 'notify'>>({
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '2m', // a run does not wait for long to tell that it has ended
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 6 },
});

/** Tells the worker's webhook, if it has one, how the run ended; a failure to do so is not the run's. */
export async function tellEnd(run: PinnedRun | undefined, ending: NotifyRequest): Promise<void> {
  if (run?.notify !== true) return;
  try {
    const summary = `that it is ${ending.outcome}`;
    await CancellationScope.nonCancellable(() => notify.executeWithOptions({ summary }, [ending]));
  } catch (error) {
    log.warn('could not tell the webhook', { error });
  }
}
