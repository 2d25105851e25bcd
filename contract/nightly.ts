import type { NamedScore } from './metric-sets.ts';
import type { Params } from './params.ts';
import type { Ref } from './ref.ts';

/** The one argument of `nightly`; `{}` suffices. */
export interface NightlyInput {
  pipeline?: string;
  /** Laid over the worker's params.yaml, nested as there. */
  params?: Record<string, unknown>;
  /** A file or folder already uploaded to the store, for `data.source` naming one. */
  source?: Ref;
  /** Build the versions anew that rest on batches amended since, not those that are missing. */
  rebuild?: boolean;
}

/** A nightly's input once it is checked, with its params fixed for all its batches. */
export interface PinnedNightly {
  pipeline: string;
  params: Params;
  source: Ref | null;
  rebuild: boolean;
}

export interface FindPendingRequest extends PinnedNightly {
  /** Whether to look at the source for what is new, or go by what is known. */
  look: boolean;
}

/** A batch that is to be run. */
export interface PendingBatch {
  batch: number;
  /** What its version was built with that is not the nightly's, when it is built anew. */
  params?: Record<string, unknown>;
}

export interface PendingBatches {
  /** In order, and not too many for one answer. */
  batches: PendingBatch[];
  /** How many there are after those. */
  more: number;
  /** Files left out, and files that have changed. */
  warnings: string[];
}

/** One batch of a nightly. */
export interface NightlyLine {
  batch: number;
  state: 'running' | 'elsewhere' | 'done' | 'failed';
  /** The headline of the version made. */
  score?: NamedScore;
  /** Why it failed, in a sentence. */
  because?: string;
}

/** What `nightly` returns, and what its query `nightlyProgress` shows so far. */
export interface NightlySummary {
  pipeline: string;
  /** A sentence on where it stands. */
  state: string;
  batches: NightlyLine[];
  /** How many batches are still to be run, as far as is known. */
  waiting: number;
  warnings: string[];
}
