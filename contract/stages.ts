import type { Params } from './params.ts';
import type { Ref } from './ref.ts';
import type { TrackedRun } from './versions.ts';

/** The stages in the order of the data's way. */
export const STAGE_NAMES = [
  'get_data',
  'prepare_batch',
  'merge_data',
  'preprocess',
  'train',
  'evaluate',
] as const;

export type StageName = (typeof STAGE_NAMES)[number];

/** Objects a run may be told of as damaged: more is a bucket that was emptied, for `force`. */
export const MOST_DAMAGED = 20;

/** How a stage may use what earlier runs left: take it, insist on it, or pass it by. */
export type CacheUse = 'use' | 'require' | 'bypass';

/** What every stage is asked with. */
export interface StageRequest {
  pipeline: string;
  batch: number;
  params: Params;
  cache: CacheUse;
  /** MD5s of objects found missing or damaged in this run: whatever made them makes them again. */
  damaged: string[];
  /** Named references made by earlier stages. */
  inputs: Record<string, Ref>;
  /** The first execution run id when the run is forced: it makes its training attempt one of its own. */
  force: string | null;
}

export interface GetDataRequest extends StageRequest {
  source: Ref | null;
  /** As in the run's input. */
  refresh?: boolean;
}

export interface MergeDataRequest extends StageRequest {
  /** The ledger as it stood when the batch was prepared. */
  ledgerRevision: number;
}

/** An object that was missing or damaged and has been made again. */
export interface Healed {
  path: string;
  md5: string;
}

/** What a stage answers. */
export interface StageResult {
  stage: string;
  key: string;
  cached: boolean;
  durationMs: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  outputs: Record<string, Ref>;
  facts: Record<string, string | number | boolean | null>;
  warnings: string[];
  /** Outputs of an earlier run that were gone, and that this one has made again. */
  healed: Healed[];
}

export interface TrainRequest extends StageRequest {
  /** Whether a version comes of it, from whose record it can be logged later. */
  mayDefer?: boolean;
  /** As in the run's input. */
  trackingFolder?: string;
}

export interface TrainResult extends StageResult {
  attempt: string;
  /** Null when logging was put off. */
  mlflow: TrackedRun | null;
}

export interface EvaluateRequest extends StageRequest {
  attempt: string;
  /** Whether logging may be put off. */
  mayDefer?: boolean;
  /** Whether training's was. */
  deferred?: boolean;
}

export interface EvaluateResult extends StageResult {
  /** Logging was put off: the version is to be logged from its record. */
  deferred?: boolean;
}
