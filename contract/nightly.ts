import type { NamedScore } from './metric-sets.ts';
import type { Params } from './params.ts';
import type { PromotionOutcome } from './promotion.ts';
import type { Ref } from './ref.ts';

/** The one argument of `nightly`. `{}` is enough. */
export interface NightlyInput {
  pipeline?: string;
  /** Params that replace those of the worker's params.yaml, nested as there. */
  params?: Record<string, unknown>;
  /** The file or folder of `data.source`, where the client has uploaded it to the store. */
  source?: Ref;
  /** Rebuild the versions whose batches were amended since, instead of the missing versions. */
  rebuild?: boolean;
}

/** A nightly's checked input, with the params of all its batches. */
export interface PinnedNightly {
  pipeline: string;
  params: Params;
  source: Ref | null;
  rebuild: boolean;
  /** Present if a file that cannot be used fails the nightly at its end. */
  failOnQuarantine?: boolean;
}

/** A file of a folder or a prefix that cannot be used. */
export interface QuarantinedFile {
  name: string;
  /** A sentence. */
  reason: string;
}

export interface FindPendingRequest extends PinnedNightly {
  /** Whether to look at the source for new data. Otherwise only the ledger is read. */
  look: boolean;
}

/** A batch that the nightly runs. */
export interface PendingBatch {
  batch: number;
  /** For a rebuilt version: the params that it was built with, where they differ from those of the nightly. */
  params?: Record<string, unknown>;
}

export interface PendingBatches {
  /** In order; at most as many as fit in one answer. */
  batches: PendingBatch[];
  /** The number of pending batches after these. */
  more: number;
  /** Files left out, and files that have changed. */
  warnings: string[];
  /**
   * What the nightly found among the files; absent for sources without files, and in histories of an earlier program.
   */
  quarantined?: QuarantinedFile[];
}

/** One batch of a nightly. */
export interface NightlyLine {
  batch: number;
  state: 'running' | 'elsewhere' | 'done' | 'failed';
  /** The headline score of the version. */
  score?: NamedScore;
  /** Why it failed, in a sentence. */
  because?: string;
  /** Whether the version became the champion; absent in histories of an earlier program. */
  promotion?: PromotionOutcome;
}

/** What `nightly` returns, and what its query `nightlyProgress` shows so far. */
export interface NightlySummary {
  pipeline: string;
  /** Its state, in a sentence. */
  state: string;
  batches: NightlyLine[];
  /** The number of batches that are known and not run yet. */
  waiting: number;
  warnings: string[];
  /** Files that cannot be used, so they are in no version. */
  quarantined: QuarantinedFile[];
}

/** The rules of a schedule that names no others: the maximum random delay, and how late a missed start may still run. */
export const SCHEDULE_DEFAULTS = { jitter: '1m', catchup: '12h' } as const;
