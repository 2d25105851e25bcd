import type { NamedScore } from './metric-sets.ts';
import type { Params } from './params.ts';
import type { Ref } from './ref.ts';

/** The one argument of `nightly`. `{}` is enough. */
export interface NightlyInput {
  pipeline?: string;
  /** Params that replace those of the worker's params.yaml, nested as there. */
  params?: Record<string, unknown>;
  /** The file or folder of `data.source`, where the client has uploaded it to the store. */
  source?: Ref;
  /** Build the versions again whose batches were amended since, and not the missing versions. */
  rebuild?: boolean;
}

/** A nightly's checked input, with the params of all its batches. */
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
  /** For a version that is built again: the params with which it was built, where the nightly's differ. */
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
  /** Its state, in a sentence. */
  state: string;
  batches: NightlyLine[];
  /** How many batches are still to be run, as far as is known. */
  waiting: number;
  warnings: string[];
}
