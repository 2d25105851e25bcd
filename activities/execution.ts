import { Context } from '@temporalio/activity';
import { CancelledFailure, WorkflowNotFoundError } from '@temporalio/common';
import type { Execution, Progress } from '../contract/execution.ts';
import { isOpen } from '../contract/workflow-status.ts';

/** The execution of the activity that calls this. */
export function currentExecution(): Execution {
  const context = Context.current();
  const { workflowExecution, activityId, attempt } = context.info;
  const workflowId = workflowExecution?.workflowId ?? '';
  const runId = workflowExecution?.runId ?? '';
  const activity = `${workflowId}/${runId}/${activityId}`;
  return {
    workflowId,
    runId,
    activity,
    token: `${activity}/${attempt}`,
    isRetry: attempt > 1,
    signal: context.cancellationSignal,
    heartbeat: (progress) => {
      latest.set(context, progress);
      context.heartbeat(progress);
    },
    cancelled: (message) => new CancelledFailure(message),
    isOpen: async () => {
      try {
        const handle = context.client.workflow.getHandle(workflowId, runId);
        return isOpen((await handle.describe()).status);
      } catch (error) {
        return !(error instanceof WorkflowNotFoundError);
      }
    },
  };
}

const latest = new WeakMap<Context, Progress>();

/** What an activity last said of its progress: each later heartbeat says it again, or it would be lost. */
export function progressOf(context: Context): Progress | undefined {
  return latest.get(context);
}
