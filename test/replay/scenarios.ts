import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { TrainBatchInput } from '../../activities/contract.ts';
import { loadConfig } from '../../config.ts';
import { openStore } from '../../store/index.ts';
import { objectKey } from '../../store/artifacts.ts';
import type { Project } from '../support/project.ts';

interface Stage {
  client: Client;
  project: Project;
}

/** A way a run can go, played on real servers; each has the workflow's commands in another order. */
interface Scenario {
  name: string;
  play: (stage: Stage) => Promise<WorkflowHandle>;
}

const start = ({ client }: Stage, input: TrainBatchInput): Promise<WorkflowHandle> =>
  client.workflow.start('trainBatch', {
    workflowId: `${input.pipeline ?? 'iris'}-batch-${input.batch}`,
    taskQueue: 'incremental-training',
    args: [input],
  });

/** Runs to the end, whatever it is. */
const ended = async (handle: WorkflowHandle): Promise<WorkflowHandle> => {
  await handle.result().catch(() => undefined);
  return handle;
};

/** Waits until an activity has been scheduled: the moment to interfere. */
async function reaches(handle: WorkflowHandle, activity: string): Promise<void> {
  for (;;) {
    const { events } = await handle.fetchHistory();
    const names = (events ?? []).map(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name,
    );
    if (names.includes(activity)) return;
    await sleep(20);
  }
}

/** Takes the object of a batch out of the store, as an accident would. */
async function lose({ project }: Stage, pipeline: string, batch: number): Promise<void> {
  const store = openStore(loadConfig(project.folder, project.env).storage);
  const ledger = await store.ledgers.read(pipeline);
  await store.bucket.delete(objectKey(ledger!.batches[batch - 1]!.ref.md5));
  store.bucket.close();
}

export const SCENARIOS: Scenario[] = [
  {
    name: 'trainBatch-completed',
    play: async (stage) => ended(await start(stage, { batch: 1 })),
  },
  {
    name: 'trainBatch-cached',
    play: async (stage) => ended(await start(stage, { batch: 1 })),
  },
  {
    name: 'trainBatch-failed',
    play: async (stage) => ended(await start(stage, { batch: 99 })),
  },
  {
    name: 'trainBatch-healed',
    play: async (stage) => {
      await lose(stage, 'iris', 1);
      const input = { batch: 1, params: { split: { test_size: 0.25 } } };
      return ended(await start(stage, input));
    },
  },
  {
    name: 'trainBatch-cancelled',
    play: async (stage) => {
      const handle = await start(stage, { batch: 2, pipeline: 'cancelled' });
      await reaches(handle, 'train');
      await handle.cancel();
      return ended(handle);
    },
  },
  {
    name: 'trainBatch-retried',
    play: async (stage) => {
      // A run under an id that another holds is retried from above: here by a reset to its beginning.
      const handle = await ended(await start(stage, { batch: 2, pipeline: 'retried' }));
      const { runId } = await handle.describe();
      const { runId: again } = await stage.client.workflowService.resetWorkflowExecution({
        namespace: stage.client.options.namespace,
        workflowExecution: { workflowId: handle.workflowId, runId },
        reason: 'recorded',
        workflowTaskFinishEventId: 4 as never,
        requestId: 'recorded',
      });
      return ended(stage.client.workflow.getHandle(handle.workflowId, again));
    },
  },
  {
    name: 'trainBatch-until-train',
    play: async (stage) => ended(await start(stage, { batch: 3, until: 'train' })),
  },
  {
    name: 'trainBatch-only-evaluate',
    play: async (stage) => ended(await start(stage, { batch: 3, only: 'evaluate' })),
  },
];
