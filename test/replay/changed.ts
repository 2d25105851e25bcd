import { sleep } from '@temporalio/workflow';

/** trainBatch as a later build might have it that forgot about the runs that are open. */
export async function trainBatch(): Promise<void> {
  await sleep('1 hour');
}
