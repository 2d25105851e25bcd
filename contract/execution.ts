/** The execution that an activity belongs to, with functions that stop it and show its progress. */
export interface Execution {
  workflowId: string;
  runId: string;
  /** Unique for each attempt of each activity. */
  token: string;
  /** The same for every attempt of one activity. */
  activity: string;
  /** Whether an earlier attempt failed, or its worker was lost. */
  isRetry: boolean;
  /** Aborts when the workflow is cancelled or the worker shuts down. */
  signal: AbortSignal;
  heartbeat: (progress: Progress) => void;
  /**
   * Asks Temporal whether the workflow is still open. If a worker was suspended, its activity may run on after
   * the workflow has ended. True if Temporal does not answer.
   */
  isOpen: () => Promise<boolean>;
  /** The error that ends an activity as cancelled. */
  cancelled: (message: string) => Error;
}

/** The progress of a long activity. */
export interface Progress {
  stage: string;
  /** 0 to 1. */
  fraction: number;
  rows?: number | undefined;
}

const CLOSED = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
]);

/** Whether a workflow execution is open: it runs, or somebody has paused it. */
export function isOpen({ name }: { name: string }): boolean {
  return !CLOSED.has(name);
}
