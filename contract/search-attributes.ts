import type { SearchAttributeType } from '@temporalio/common';

/** The search attributes a run shows itself by, with their types in Temporal. */
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
 * The state of a run: `trained` made something new, `cached` took everything from the cache, `partial` stopped
 * after the stage that it was asked to stop after.
 */
export type Outcome = 'running' | 'trained' | 'cached' | 'partial' | 'failed' | 'cancelled';
