import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { proxyActivities, sleep } from '@temporalio/workflow';
import type { PinnedRun, TrainBatchInput } from '../contract/train-batch.ts';
import type { Activities } from '../contract/activities.ts';
import { runBatch } from './run-batch.ts';
import { SLOW_RETRY } from './activity-options.ts';

const { find_missing } = proxyActivities<Pick<Activities, 'find_missing'>>({
  startToCloseTimeout: '1m',
  retry: SLOW_RETRY,
  summary: 'which versions have no record',
});

/** How often to check whether another workflow has built a version. */
const LOOK = '5s';

/**
 * Builds the versions before this one that have no record, in order, each in a workflow as if it were started
 * by hand, with this run's params. If another workflow builds one already, this waits for it.
 * @param onVersion is called with the version that is built next
 */
export async function buildMissing(
  run: PinnedRun,
  { params, source, trackingFolder }: TrainBatchInput,
  onVersion: (version: number) => void,
): Promise<void> {
  const { pipeline } = run;
  const input = {
    pipeline,
    publish: true, // this run is no trial, so its params are those of the versions too
    ...(params === undefined ? {} : { params }),
    ...(source === undefined ? {} : { source }),
    ...(trackingFolder === undefined ? {} : { trackingFolder }),
  };
  for (;;) {
    const [version] = await find_missing({ pipeline, before: run.batch });
    if (version === undefined) return;
    onVersion(version);
    try {
      await runBatch({ ...input, batch: version });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(LOOK, { summary: `version ${version} is being built by another workflow` });
    }
  }
}
