import proto from '@temporalio/proto';
import type { Session } from './session.ts';

/** A worker that has not polled for this long is gone. */
const SEEN_LATELY_MS = 90_000;

/** Whether some worker has polled our task queue lately. */
export async function taskQueueHasWorker({ client, config, namespace }: Session): Promise<boolean> {
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: config.taskQueue },
      taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    return (pollers ?? []).some(
      ({ lastAccessTime }) =>
        Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 < SEEN_LATELY_MS,
    );
  } catch {
    return true; // it is only a hint: whatever is wrong shows elsewhere
  }
}
