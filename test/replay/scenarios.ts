import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { TrainBatchInput } from '../../contract/train-batch.ts';
import type { Proxy } from '../support/proxy.ts';

interface Place {
  client: Client;
  /** The way to MLflow. */
  mlflow: Proxy;
}

/** A way a run can go, played on real servers; each has the workflow's commands in another order. */
interface Scenario {
  name: string;
  play: (place: Place) => Promise<WorkflowHandle>;
}

/** Names in MLflow's registry are everybody's. */
const id = Date.now().toString(36);

const start = (
  { client }: Place,
  { pipeline, ...input }: TrainBatchInput,
): Promise<WorkflowHandle> => {
  const named = `${pipeline ?? 'recorded'}-${id}`;
  return client.workflow.start('trainBatch', {
    workflowId: `${named}-batch-${input.batch}`,
    taskQueue: 'incremental-training',
    args: [{ ...input, pipeline: named }],
  });
};

/** Waits for the end: success, failure or cancellation. */
async function ended(handle: WorkflowHandle): Promise<WorkflowHandle> {
  await handle.result().catch(() => undefined);
  return handle;
}

/** Waits until an activity is under way in this try: the moment to interfere. */
export async function reaches(
  handle: WorkflowHandle,
  activity: string,
  attempt = 1,
): Promise<void> {
  for (;;) {
    const { raw, status } = await handle.describe();
    const found = raw.pendingActivities?.find(
      ({ activityType }) => activityType?.name === activity,
    );
    if ((found?.attempt ?? 0) >= attempt) return;
    if (status.name !== 'RUNNING') throw new Error(`${handle.workflowId} ended before ${activity}`);
    await sleep(20);
  }
}

/** In this order: what is cached was completed before, and the nightly finds the batches that are left. */
export const SCENARIOS: Scenario[] = [
  {
    name: 'trainBatch-completed',
    play: async (place) => ended(await start(place, { batch: 1 })),
  },
  {
    name: 'trainBatch-cached',
    play: async (place) => ended(await start(place, { batch: 1 })),
  },
  {
    name: 'trainBatch-failed',
    play: async (place) => ended(await start(place, { batch: 99 })),
  },
  {
    name: 'trainBatch-cancelled',
    play: async (place) => {
      // Without MLflow, training is begun and does not end.
      place.mlflow.poison('unavailable');
      const handle = await start(place, { batch: 2, pipeline: 'cancelled' });
      await reaches(handle, 'train');
      await handle.cancel();
      await reaches(handle, 'close_runs');
      place.mlflow.poison(undefined);
      return ended(handle);
    },
  },
  {
    name: 'trainBatch-retried',
    play: async (place) => {
      place.mlflow.poison('unavailable');
      const handle = await start(place, { batch: 2, pipeline: 'retried' });
      await reaches(handle, 'train', 2);
      place.mlflow.poison(undefined);
      return ended(handle);
    },
  },
  {
    name: 'trainBatch-missing',
    play: async (place) =>
      ended(await start(place, { batch: 2, pipeline: 'missing', with_missing: true })),
  },
  {
    name: 'logVersion-completed',
    play: async (place) =>
      ended(
        await place.client.workflow.start('logVersion', {
          workflowId: `log-${id}`,
          taskQueue: 'incremental-training',
          args: [{ pipeline: `recorded-${id}`, version: 1 }],
        }),
      ),
  },
  {
    name: 'nightly-completed',
    play: async (place) =>
      ended(
        await place.client.workflow.start('nightly', {
          workflowId: `nightly-${id}`,
          taskQueue: 'incremental-training',
          args: [{ pipeline: `recorded-${id}` }],
        }),
      ),
  },
];
