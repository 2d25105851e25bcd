import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { proxyActivities, sleep, startChild } from '@temporalio/workflow';
import type { PinnedRun, TrainBatchInput } from '../contract/train-batch.ts';
import type { Activities } from '../activities/index.ts';
import { aboutChild } from './child-details.ts';
import type { trainBatch } from './trainBatch.ts';

const { find_missing } = proxyActivities<Pick<Activities, 'find_missing'>>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' },
  summary: 'which versions have no record',
});

/** How often the end of a version that another is building is looked for. */
const LOOK = '5s';

/**
 * Builds the versions before this one that have no record, in order, each as the workflow it would be by
 * hand and with this run's params. One that is being built by another is waited for.
 * @param tell is told which version is being built.
 */
export async function buildMissing(
  run: PinnedRun,
  { params, source, trackingFolder }: TrainBatchInput,
  tell: (version: number) => void,
): Promise<void> {
  const { pipeline } = run;
  const input = {
    pipeline,
    ...(params === undefined ? {} : { params }),
    ...(source === undefined ? {} : { source }),
    ...(trackingFolder === undefined ? {} : { trackingFolder }),
  };
  for (;;) {
    const [version] = await find_missing({ pipeline, before: run.batch });
    if (version === undefined) return;
    tell(version);
    try {
      const child = await startChild<typeof trainBatch>('trainBatch', {
        workflowId: `${pipeline}-batch-${version}`,
        args: [{ ...input, batch: version }],
        // What it has begun is of use without us: only a cancellation stops it too.
        parentClosePolicy: 'ABANDON',
        ...aboutChild(pipeline, version),
      });
      await child.result();
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(LOOK, { summary: `version ${version} is being built by another` });
    }
  }
}
