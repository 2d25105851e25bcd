import type { NamedScore } from './metric-sets.ts';
import type { Params } from './params.ts';
import type { Ref } from './ref.ts';

/** What crosses Temporal between workflows and activities: references and a few numbers, never data. */

export const TASK_QUEUE = 'incremental-training';

/** The stages in the order of the data's way. */
export const STAGES = [
  'get_data',
  'prepare_batch',
  'merge_data',
  'preprocess',
  'train',
  'evaluate',
] as const;

/** Objects a run may be told of as damaged: more is a bucket that was emptied, for `force`. */
export const MOST_DAMAGED = 20;

export type StageName = (typeof STAGES)[number];

/** The one argument of `trainBatch`; `batch` alone suffices. */
export interface TrainBatchInput {
  /** The batch to run, from 1; version N is what becomes of batches 1..N. */
  batch: number;
  pipeline?: string;
  /** Laid over the worker's params.yaml, nested as there: `{model: {max_depth: 4}}`. */
  params?: Record<string, unknown>;
  /** A CSV file already uploaded to the store, for `data.source` naming one. */
  source?: Ref;
  /** The last stage to run. */
  until?: StageName;
  /** The only stage to run: those before it must have been run with the same params. */
  only?: StageName;
  /** Run every stage anew, whatever the cache holds. */
  force?: boolean;
  /** The directory whoever starts it tracks runs in: a worker that does not share it refuses. */
  trackingFolder?: string;
  /** Build the versions before this one that have no record first, with the same params. */
  with_missing?: boolean;
  /** Look at the source for rows that are new, also where what is known has this batch. */
  refresh?: boolean;
  /** MD5s of objects known to be missing or damaged: what made them makes them again. At most 20. */
  damaged?: string[];
}

/** A run's input once it is checked, with its params fixed for good. */
export interface PinnedRun {
  batch: number;
  pipeline: string;
  params: Params;
  /** SHA-256 of the canonical params. */
  paramsHash: string;
  source: Ref | null;
  until: StageName;
  only: StageName | null;
  force: boolean;
  /** Absent where runs are tracked on a server. */
  trackingFolder?: string;
  withMissing: boolean;
  /** Absent where it was not asked for. */
  refresh?: boolean;
  /** Whether the worker has a webhook to tell how the run ended. */
  notify: boolean;
  /** Absent where nothing was known to be damaged. */
  damaged?: string[];
  /** Where the stages that compute run; absent: where the workflow does. */
  cpuTaskQueue?: string;
  /** Search attributes that this namespace has: others must not be set. */
  searchAttributes: string[];
  /** Where a person finds what the run makes; shown, never used. */
  places: { artifacts: string };
}

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

/** Identities in MLflow of one training attempt. */
export interface TrackedRun {
  /** Where its worker tracks; absent in results of an earlier program. */
  trackingUri?: string;
  experimentId: string;
  runId: string;
  modelName: string;
  /** Null where there is no registry of models: in a directory. */
  modelVersion: string | null;
  /** Where a person looks at them; shown, never used. */
  links?: { run: string; model?: string };
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
  /** Where it is logged could not be brought up to date: it is to be logged from its record. */
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

/** One stage of a run, as `progress` and the result tell it. */
export interface StageLine {
  stage: StageName;
  state: 'waiting' | 'running' | 'done' | 'cached' | 'failed';
  key?: string;
  durationMs?: number;
  /** What came of it, in a few words. */
  made?: string;
}

/** Why a run failed. */
export interface RunFailure {
  type: string;
  message: string;
  stage: string | null;
}

/** What `trainBatch` returns, and what its query `progress` shows so far. */
export interface RunSummary {
  pipeline: string;
  batch: number;
  params: Params;
  paramsHash: string;
  stages: StageLine[];
  warnings: string[];
  healed: Healed[];
  version: PublishResult | null;
  mlflow: TrackedRun | null;
}
