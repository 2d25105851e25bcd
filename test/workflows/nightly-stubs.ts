import { proxyActivities } from '@temporalio/workflow';
import type { TrainBatchInput } from '../../contract/train-batch.ts';
import type { NamedScore } from '../../contract/metric-sets.ts';

/** What the nightly starts, with an activity of the test's in place of the stages. */
export { nightly } from '../../workflows/nightly.ts';

const { run_batch } = proxyActivities<{
  run_batch: (input: TrainBatchInput) => Promise<NamedScore>;
}>({ startToCloseTimeout: '30 days', retry: { maximumAttempts: 1 } });

export async function trainBatch(input: TrainBatchInput) {
  const score = await run_batch(input);
  return { version: { version: input.batch, score } };
}
