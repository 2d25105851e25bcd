import type { WorkflowHandle } from '@temporalio/client';
import type { Described } from './pending.ts';
import { stuckOn } from './stuck.ts';
import { waitingForWorker } from './workers.ts';

/**
 * What an open run waits for when nobody takes its tasks, or who has them cannot go on.
 * @returns undefined where nothing says that it waits
 */
export async function whyWaiting(
  handle: Pick<WorkflowHandle, 'fetchHistory'>,
  described: Described,
): Promise<string | undefined> {
  return (await stuckOn(handle, described)) ?? waitingForWorker(described);
}
