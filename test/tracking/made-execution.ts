import type { Execution } from '../../contract/execution.ts';

/** The first attempt of an activity, in a run that is open. */
export function makeExecution(activity: string): Execution {
  return {
    workflowId: 'w',
    runId: 'r',
    activity,
    token: `${activity}/1`,
    isRetry: false,
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    isOpen: async () => true,
    cancelled: (message) => new Error(message),
  };
}
