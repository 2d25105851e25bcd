import type { RunFailure } from './train-batch.ts';

export interface CloseRunsRequest {
  /** Absent in histories of an earlier program. */
  pipeline?: string;
  status: 'FINISHED' | 'FAILED' | 'KILLED';
}

/** How a run ended, as the webhook is told. */
export interface NotifyRequest {
  event: 'completed' | 'failed';
  outcome: string;
  pipeline: string;
  batch: number;
  version: { version: number; seq: number } | null;
  metrics: Record<string, number> | null;
  error: RunFailure | null;
  links: Record<string, string>;
  /** What to say where no version was made. */
  message: string;
}

export interface FindMissingRequest {
  pipeline: string;
  /** The version whose predecessors are looked for. */
  before: number;
}
