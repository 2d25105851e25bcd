import type { Command } from 'commander';
import { parseBatch } from '../arguments.ts';
import { openSession } from '../session.ts';
import { workflowIdOf } from '../../contract/train-batch.ts';
import type { Followed } from '../watcher.ts';
import type { Config } from '../../config/environment.ts';
import { LAST_STAGE } from '../../contract/stages.ts';
import { MissingHistory } from '../../contract/failures.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';
import { RETRAIN } from '../../contract/command.ts';

interface WatchFlags extends CommonFlags {
  workflowId?: string;
}

export function watchCommand(context: CommandContext): Command {
  return pipelineCommand('watch')
    .argument('<N>', 'the batch, from 1', parseBatch)
    .option('--workflow-id <id>', 'the workflow id, if another client chose it')
    .addHelpText('after', examples('watch 2', 'watch 2 --workflow-id by-hand'))
    .action(async (batch: number, { pipeline, json, workflowId }: WatchFlags) => {
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, json, workflowId };
      process.exitCode = await watch(config, asked);
    });
}

/** `watch N`: follows the run of a batch, or reports the result of the last run. */
export async function watch(
  config: Config,
  { workflowId: named, ...options }: Followed & { workflowId?: string | undefined },
): Promise<number> {
  const { WorkflowNotFoundError } = await import('@temporalio/client');
  const { watchToEnd } = await import('../watcher.ts');
  const session = await openSession(config, { check: ['temporal'] });
  const workflowId = named ?? workflowIdOf(options);
  try {
    const { runId } = await session.client.workflow.getHandle(workflowId).describe();
    const run = { workflowId, runId, joined: true };
    return await watchToEnd(session, run, LAST_STAGE, options);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new MissingHistory(
      `${workflowId} has never been run, or its history is gone: "${RETRAIN} list --pipeline ${options.pipeline}" shows the versions`,
    );
  } finally {
    await session.close();
  }
}
