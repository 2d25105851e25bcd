import type { NamedScore } from './metric-sets.ts';
import type { Params } from './params.ts';
import type { Ref, TrackedRun } from './ref.ts';
import type { Healed, StageName } from './stages.ts';

export interface PublishRequest {
  pipeline: string;
  batch: number;
  params: Params;
  paramsHash: string;
  ledgerRevision: number;
  stages: { stage: StageName; key: string; cached: boolean }[];
  attempt: string;
  /** Null while it is not logged. */
  mlflow: TrackedRun | null;
  healed: Healed[];
  forced: boolean;
}

export interface PublishResult {
  /** The version record. */
  record: Ref;
  version: number;
  seq: number;
  metrics: Record<string, number>;
  /** The one of them to look at first; absent without a score, and in results of an earlier program. */
  score?: NamedScore;
  /** MLflow could not be updated: the version is to be logged from its record. */
  deferred?: boolean;
}

/** The one argument of `logVersion`. */
export interface LogVersionInput {
  pipeline: string;
  version: number;
  /** Which build of it; the latest unless it is given. */
  seq?: number;
  /** As in `TrainBatchInput`. */
  trackingFolder?: string;
}

export interface LoggedVersion {
  version: number;
  seq: number;
  /** Whether anything was missing there. */
  added: boolean;
  mlflow: TrackedRun;
}
