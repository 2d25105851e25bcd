import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { paramsOf } from '../contract/params.ts';
import type { nightly } from '../workflows/index.ts';
import { followNightly } from './nightly/follow.ts';
import { checkSame } from './nightly/join.ts';
import { say } from './print.ts';
import type { Session } from './session.ts';
import { upload } from './start.ts';
import { warnWithoutWorker } from './workers.ts';

export interface NightlyOptions {
  pipeline: string;
  set: Record<string, unknown>;
  rebuild: boolean;
  json?: boolean | undefined;
}

/** Runs what is pending, or stale, as the nightly would, and waits for its end. */
export async function runNightly(session: Session, options: NightlyOptions): Promise<number> {
  const { pipeline, set, rebuild } = options;
  const params = paramsOf(session.config.params, set);
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
    handle = workflow.getHandle<typeof nightly>(workflowId);
    await checkSame(session, handle, set);
    say(`${workflowId} is already running: waiting for it`);
  }
  void warnWithoutWorker(session);
  return followNightly(session, handle, options);
}
