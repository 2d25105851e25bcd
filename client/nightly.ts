import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { NightlySummary } from '../activities/nightly-contract.ts';
import { mergeParams, paramsSchema, parseParams } from '../pipeline/params.ts';
import type { nightly } from '../workflows/index.ts';
import { EXIT } from './exit.ts';
import { tell } from './failure.ts';
import { printJson, say } from './print.ts';
import type { Session } from './session.ts';
import { upload } from './start.ts';

export interface NightlyOptions {
  pipeline: string;
  set: Record<string, unknown>;
  rebuild: boolean;
  json?: boolean | undefined;
}

/** Runs what is pending, or stale, as the nightly would, and waits for its end. */
export async function runNightly(session: Session, options: NightlyOptions): Promise<number> {
  const { pipeline, set, rebuild, json } = options;
  const params = parseParams(paramsSchema, mergeParams(session.config.params, set), 'params');
  const source = rebuild
    ? undefined
    : await upload(session, params.data, { pipeline, rewrite: false });
  const workflowId = `${pipeline}-${rebuild ? 'rebuild' : 'nightly'}`;
  const { workflow } = session.client;
  let handle;
  try {
    handle = await workflow.start<typeof nightly>('nightly', {
      workflowId,
      taskQueue: session.config.taskQueue,
      args: [
        {
          pipeline,
          ...(Object.keys(set).length > 0 ? { params: set } : {}),
          ...(source === undefined ? {} : { source }),
          ...(rebuild ? { rebuild } : {}),
        },
      ],
      staticSummary: `${pipeline} · ${rebuild ? 'what is stale' : 'what is pending'}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    say(`${workflowId} is already running: waiting for it`);
    handle = workflow.getHandle<typeof nightly>(workflowId);
  }
  try {
    const summary = await handle.result();
    if (json === true) printJson({ status: 'completed', workflowId, ...summary });
    else print(summary);
    return 0;
  } catch (error) {
    const told = tell(error);
    if (json === true) printJson({ status: 'failed', workflowId, pipeline, error: told });
    say(told.message, 'error');
    return EXIT.failed;
  }
}

function print({ state, batches, warnings }: NightlySummary): void {
  for (const warning of warnings) say(warning, 'warning');
  for (const { batch, score } of batches)
    process.stdout.write(
      `batch ${batch}${score === undefined ? '' : `  ${score.name} ${score.value.toFixed(4)}`}\n`,
    );
  process.stdout.write(`${state}\n`);
}
