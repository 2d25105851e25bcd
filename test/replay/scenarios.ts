import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WithStartWorkflowOperation, type WorkflowHandle } from '@temporalio/client';
import { approve, changeChampion, promotionIdOf, reject } from '../../contract/promotion.ts';
import type { TrainBatchInput } from '../../contract/train-batch.ts';
import type { promote } from '../../workflows/index.ts';
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

/** A run whose version waits for a person, and its promotion once it waits. */
async function waitsForApproval(place: Place, pipeline: string): Promise<WorkflowHandle> {
  const gate = { rule: 'always', approval: 'required' };
  await ended(await start(place, { batch: 1, pipeline, params: { gate } }));
  return place.client.workflow.getHandle(promotionIdOf(`${pipeline}-${id}`));
}

const VERDICT = { version: 1, by: 'ann', reason: 'it is right about setosa' };

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
    name: 'promote-promoted',
    play: async ({ client }) => ended(client.workflow.getHandle(promotionIdOf(`recorded-${id}`))),
  },
  {
    name: 'promote-waiting',
    play: async (place) => {
      const handle = await waitsForApproval(place, 'waiting');
      // The run is answered before the promotion sets the timer of the reminder.
      for (;;) {
        const { events } = await handle.fetchHistory();
        const isTimed = events?.some((event) => event.timerStartedEventAttributes != null);
        const last = events?.at(-1);
        const isIdle =
          last?.timerStartedEventAttributes != null ||
          last?.workflowTaskCompletedEventAttributes != null;
        if (isTimed === true && isIdle) return handle;
        await sleep(100);
      }
    },
  },
  {
    name: 'trainBatch-waiting',
    play: async ({ client }) => ended(client.workflow.getHandle(`waiting-${id}-batch-1`)),
  },
  {
    name: 'promote-approved',
    play: async (place) => {
      const handle = await waitsForApproval(place, 'approved');
      await handle.executeUpdate(approve, { args: [VERDICT] });
      return ended(handle);
    },
  },
  {
    name: 'promote-rejected',
    play: async (place) => {
      const handle = await waitsForApproval(place, 'rejected');
      await handle.executeUpdate(reject, { args: [VERDICT] });
      return ended(handle);
    },
  },
  {
    name: 'promote-rolled-back',
    play: async (place) => {
      const pipeline = `recorded-${id}`;
      const promoted = await start(place, {
        batch: 2,
        pipeline: 'recorded',
        params: { gate: { rule: 'always' } },
      });
      await ended(promoted);
      const workflowId = promotionIdOf(pipeline);
      await place.client.workflow.executeUpdateWithStart(changeChampion, {
        args: [{ action: 'rolled_back', by: 'ann', reason: 'it is wrong about setosa' }],
        startWorkflowOperation: new WithStartWorkflowOperation<typeof promote>('promote', {
          workflowId,
          taskQueue: 'incremental-training',
          args: [{ pipeline }],
          workflowIdConflictPolicy: 'USE_EXISTING',
        }),
      });
      return ended(place.client.workflow.getHandle(workflowId));
    },
  },
  {
    name: 'logVersion-published',
    play: async (place) => {
      const trial = { batch: 1, params: { model: { max_depth: 1 }, gate: { rule: 'always' } } };
      await ended(await start(place, trial));
      return ended(
        await place.client.workflow.start('logVersion', {
          workflowId: `publish-${id}`,
          taskQueue: 'incremental-training',
          args: [{ pipeline: `recorded-${id}`, version: 1, seq: 2, publish: true }],
        }),
      );
    },
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
