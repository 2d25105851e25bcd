import { Context } from '@temporalio/activity';

/** Which execution an activity runs in, and the ways to stop it and to show its progress. */
export interface Execution {
  workflowId: string;
  runId: string;
  /** Unlike any other attempt of any activity. */
  token: string;
  /** The same for every attempt of one activity. */
  activity: string;
  /** Aborts when the workflow is cancelled or the worker shuts down. */
  signal: AbortSignal;
  heartbeat: (progress: Progress) => void;
}

/** How far a long activity is. */
export interface Progress {
  stage: string;
  /** 0 to 1. */
  fraction: number;
  rows?: number | undefined;
}

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
    signal: context.cancellationSignal,
    heartbeat: (progress) => {
      latest.set(context, progress);
      context.heartbeat(progress);
    },
  };
}

const latest = new WeakMap<Context, Progress>();

/** What an activity last said of its progress: each later heartbeat says it again, or it would be lost. */
export function progressOf(context: Context): Progress | undefined {
  return latest.get(context);
}
