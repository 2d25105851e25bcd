import { WorkflowNotFoundError } from '@temporalio/client';
import type { Config } from '../config/environment.ts';
import { MissingHistory } from '../contract/failures.ts';
import { watchToEnd, type Followed } from './run.ts';
import { openSession } from './session.ts';
import { workflowIdOf } from './start.ts';

/** `watch N`: follows the run of a batch, whoever started it, or tells what came of the last one. */
export async function watch(
  config: Config,
  { workflowId: named, ...options }: Followed & { workflowId?: string | undefined },
): Promise<number> {
  const session = await openSession(config, { check: ['temporal'] });
  const workflowId = named ?? workflowIdOf(options);
  try {
    const { runId } = await session.client.workflow.getHandle(workflowId).describe();
    const run = { workflowId, runId, joined: true };
    return await watchToEnd(session, run, 'evaluate', options);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new MissingHistory(
      `${workflowId} has never been run, or its history is gone: "status ${options.batch}" shows the version that stands`,
    );
  } finally {
    await session.close();
  }
}
