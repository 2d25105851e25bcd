import type { Command } from 'commander';
import { parseBatch } from '../arguments.ts';
import { print, printJson, say } from '../print.ts';
import { openSession } from '../session.ts';
import { workflowIdOf } from '../../contract/train-batch.ts';
import type { Config } from '../../config/environment.ts';
import { MissingHistory, SetupError } from '../../contract/failures.ts';
import { isOpen } from '../../contract/execution.ts';
import { type CommandContext, type CommonFlags, examples, pipelineCommand } from '../context.ts';

export function cancelCommand(context: CommandContext): Command {
  return pipelineCommand('cancel')
    .argument('<N>', 'the batch, from 1', parseBatch)
    .addHelpText('after', examples('cancel 2'))
    .action(async (batch: number, { pipeline, json }: CommonFlags) => {
      const config = await context.configure(pipeline);
      const asked = { pipeline: config.pipeline, batch, json };
      process.exitCode = await cancel(config, asked);
    });
}

/** How long the command waits for the end. The run ends its MLflow run first, and that server may be down. */
const PATIENCE_MS = 150_000;

/** `cancel N`: asks the run of a batch to stop, and waits for its end. */
export async function cancel(
  config: Config,
  { pipeline, batch, json }: { pipeline: string; batch: number; json?: boolean | undefined },
): Promise<number> {
  const { WorkflowFailedError, WorkflowNotFoundError } = await import('@temporalio/client');
  const { CancelledFailure, TerminatedFailure } = await import('@temporalio/common');
  const { explainStuck, warnWithoutWorker } = await import('../waiting.ts');
  const session = await openSession(config, { check: ['temporal'] });
  const workflowId = workflowIdOf({ pipeline, batch });
  const { connection, workflow } = session.client;
  try {
    const { runId, status, raw } = await workflow.getHandle(workflowId).describe();
    if (!isOpen(status)) throw notRunning(workflowId);
    const handle = workflow.getHandle(workflowId, runId);
    await handle.cancel();
    say(
      `${workflowId} was asked to stop; its finished stages stay stored, and a new run continues from there`,
    );
    const stuck = await explainStuck(handle, raw);
    if (stuck !== undefined) throw new SetupError(`${workflowId} cannot stop now: ${stuck}`);
    void warnWithoutWorker(session);
    const ended = await connection.withDeadline(Date.now() + PATIENCE_MS, () =>
      handle.result().then(
        () => 'completed',
        (error: unknown) => {
          if (!(error instanceof WorkflowFailedError)) throw error;
          if (error.cause instanceof CancelledFailure) return 'cancelled';
          return error.cause instanceof TerminatedFailure ? 'terminated' : 'failed';
        },
      ),
    );
    if (json === true) printJson({ pipeline, batch, workflowId, runId, status: ended });
    else print(`${workflowId} ${ended}`);
    return 0;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw notRunning(workflowId);
    throw error;
  } finally {
    await session.close();
  }
}

function notRunning(workflowId: string): MissingHistory {
  return new MissingHistory(`${workflowId} is not running: there is nothing to cancel`);
}
