import { Client, Connection } from '@temporalio/client';
import type { Project } from '../../test/support/project.ts';
import type { Task } from './sides.ts';

/**
 * Runs a batch with our command, as a person would.
 * @returns milliseconds from the workflow's start to its close, as Temporal records them
 */
export async function runOurs(
  project: Project,
  { name, source, target, batchSize, maxDepth, seed }: Task,
  batch: number,
  ...flags: string[]
): Promise<number> {
  const params = {
    'data.source': source,
    'data.target': target,
    'data.batch_size': batchSize,
    'data.shuffle_seed': seed,
    'model.max_depth': maxDepth,
  };
  const set = Object.entries(params).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const args = ['run', String(batch), '--publish', '--json', '--pipeline', name, ...set, ...flags];
  const { code, stdout, stderr } = await project.client(...args);
  if (code !== 0) throw new Error(`${args.join(' ')} failed:\n${stderr}${stdout}`);
  const { workflowId, runId } = JSON.parse(stdout) as { workflowId: string; runId: string };
  return durationOf(project, workflowId, runId);
}

async function durationOf(project: Project, workflowId: string, runId: string): Promise<number> {
  const connection = await Connection.connect({ address: project.env['TEMPORAL_ADDRESS']! });
  const client = new Client({ connection, namespace: project.env['TEMPORAL_NAMESPACE']! });
  const { startTime, closeTime } = await client.workflow.getHandle(workflowId, runId).describe();
  await connection.close();
  return closeTime!.getTime() - startTime.getTime();
}
