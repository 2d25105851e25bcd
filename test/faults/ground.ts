import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import type { RunSummary } from '../../contract/train-batch.ts';
import { makeProject, type Project } from '../support/project.ts';

/** Where one round plays: a pipeline in its own bucket, experiment and namespace. */
export interface Ground {
  project: Project;
  pipeline: string;
  workflowId: string;
  /** Starts the batch by a plain client, as anybody may. */
  start: () => Promise<void>;
  /** What the latest run under the id came to, however often the server goes away meanwhile. */
  result: () => Promise<RunSummary>;
}

/** The batch each round runs: with history behind it, and short. */
export const BATCH = 2;

/** A run that has not ended by then is not going to. */
const PATIENCE_MS = 180_000;

export async function openGround(pipeline: string): Promise<Ground> {
  const project = await makeProject(pipeline);
  const { temporal: client } = project;
  const workflowId = `${pipeline}-batch-${BATCH}`;
  return {
    project,
    pipeline,
    workflowId,
    start: async () => {
      await client.workflow.start('trainBatch', {
        workflowId,
        taskQueue: 'incremental-training',
        args: [{ batch: BATCH, pipeline }],
      });
    },
    result: () => patiently(() => latestResult(client, workflowId)),
  };
}

/** A reset ends one run and begins another under the same id: the last of them is the one that counts. */
async function latestResult(client: Client, workflowId: string): Promise<RunSummary> {
  const handle = client.workflow.getHandle(workflowId);
  for (;;) {
    const { runId } = await handle.describe();
    try {
      return (await client.workflow.getHandle(workflowId, runId).result()) as RunSummary;
    } catch (error) {
      if ((await handle.describe()).runId === runId) throw error;
    }
  }
}

/** Asks again while the server does not answer. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await Promise.race([ask(), late(deadline)]);
    } catch (error) {
      if (!isGrpcServiceError(error) || Date.now() > deadline) throw error;
      await sleep(250);
    }
  }
}

async function late(deadline: number): Promise<never> {
  await sleep(Math.max(0, deadline - Date.now()), undefined, { ref: false });
  throw new Error(`no result after ${PATIENCE_MS / 1000} s`);
}
