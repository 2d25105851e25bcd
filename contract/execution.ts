/** Which execution an activity runs in, and the ways to stop it and to show its progress. */
export interface Execution {
  workflowId: string;
  runId: string;
  /** Unlike any other attempt of any activity. */
  token: string;
  /** The same for every attempt of one activity. */
  activity: string;
  /** Whether an attempt before this one has failed, or its worker has. */
  isRetry: boolean;
  /** Aborts when the workflow is cancelled or the worker shuts down. */
  signal: AbortSignal;
  heartbeat: (progress: Progress) => void;
  /**
   * Whether its workflow is still open, by Temporal's own word: a worker that slept may do what nobody waits
   * for any more. True where Temporal cannot be asked.
   */
  isOpen: () => Promise<boolean>;
  /** The error that ends an activity as cancelled. */
  cancelled: (message: string) => Error;
}

/** How far a long activity is. */
export interface Progress {
  stage: string;
  /** 0 to 1. */
  fraction: number;
  rows?: number | undefined;
}
