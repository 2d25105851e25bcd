import type { SearchAttributeType } from '@temporalio/common';

/** The search attributes of a run, with their types in Temporal. */
export const SEARCH_ATTRIBUTES = {
  RetrainPipeline: 'KEYWORD',
  RetrainBatch: 'INT',
  /** The version in MLflow's registry. */
  RetrainModelVersion: 'INT',
  RetrainAccuracy: 'DOUBLE',
  /** See `Outcome`. */
  RetrainOutcome: 'KEYWORD',
} as const satisfies Record<string, SearchAttributeType>;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;

/**
 * The state of a run: `trained` ran at least one stage, `cached` took every stage from the cache, `partial`
 * stopped after an earlier stage, as asked, and `trial` published no version.
 */
export type Outcome =
  'running' | 'trained' | 'cached' | 'partial' | 'trial' | 'failed' | 'cancelled';
