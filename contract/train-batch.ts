import type { Params } from './params.ts';
import type { Build, GateDecision, PromotionOutcome } from './promotion.ts';
import type { Ref, TrackedRun } from './ref.ts';
import type { Comparison, Healed, StageName } from './stages.ts';
import type { TrialParams } from './trials.ts';
import type { PublishResult } from './versions.ts';

export const TASK_QUEUE = 'incremental-training';

/** The one argument of `trainBatch`. Only `batch` is required. */
export interface TrainBatchInput {
  /** The batch to run, from 1. Version N is made from batches 1..N. */
  batch: number;
  pipeline?: string;
  /** Params that replace those of the worker's params.yaml, nested as there: `{model: {max_depth: 4}}`. */
  params?: Record<string, unknown>;
  /** The CSV file of `data.source`, where the client has uploaded it to the store. */
  source?: Ref;
  /** The last stage to run. */
  until?: StageName;
  /** The only stage to run: those before it must have been run with the same params. */
  only?: StageName;
  /** Run every stage, even if the cache has its result. */
  force?: boolean;
  /** Publish the version, even if its params differ from those of the pipeline. Otherwise such a run is a trial. */
  publish?: boolean;
  /** The directory in which the client tracks runs. A worker that does not share it refuses the run. */
  trackingFolder?: string;
  /** First build the earlier versions that have no record, with the same params. */
  with_missing?: boolean;
  /** Look for new rows in the source, even if the rows of this batch are known. */
  refresh?: boolean;
  /** MD5s of objects that are missing or damaged: the stages that made them make them again. At most 20. */
  damaged?: string[];
  /** Make the objects of the published build again: no other build is made of them, and none is proposed as champion. */
  repair?: Repair;
}

/** Facts of the build that a run repairs, which decide the cache keys and the training attempt of its stages. */
export interface Repair {
  /** The champion that the gate compared it with; null where there was none. Absent where the gate has not decided. */
  champion?: Build | null | undefined;
  /** The id of the forced run that made it; absent where no run was forced. */
  forced_by?: string | undefined;
}

/** A run's checked input, with its params fixed. */
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
  /** Present for a trial: the params in which it differs from a plain run. */
  trial?: TrialParams;
  /** Absent where runs are tracked on a server. */
  trackingFolder?: string;
  withMissing: boolean;
  /** Absent if it was not asked for. */
  refresh?: boolean;
  /** Whether the worker has a webhook to which it reports the end of the run. */
  notify: boolean;
  /** Absent where nothing was known to be damaged. */
  damaged?: string[];
  /** Absent for a run that repairs no build. */
  repair?: Repair;
  /** The task queue of the stages that compute; absent: the task queue of the workflow. */
  cpuTaskQueue?: string;
  /** Seconds; absent: the default of the workflow. */
  heartbeatTimeout?: number;
  /** The search attributes that this namespace has. Others must not be set. */
  searchAttributes: string[];
  /** The location of the artifacts, for people. No code uses it. */
  places: { artifacts: string };
}

/** One stage of a run, as `progress` and the result show it. */
export interface StageLine {
  stage: StageName;
  state: 'waiting' | 'running' | 'done' | 'cached' | 'failed';
  key?: string;
  durationMs?: number;
  /** Its facts in a few words: "120 train rows · 30 test rows". */
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
  /** The scores of other builds on the same test rows; absent in results of an earlier program. */
  comparisons?: Comparison[];
  /** What the gate says of the build; absent before it, and in results of an earlier program. */
  decision?: GateDecision;
  /**
   * Whether the version became the champion; absent for a run that published nothing, and in results of an earlier
   * program.
   */
  promotion?: PromotionOutcome;
}

/** The workflow id of a batch: it makes sure that one run at a time works on it. */
export function workflowIdOf({
  pipeline,
  batch,
  only,
}: {
  pipeline: string;
  batch: number;
  only?: StageName | undefined;
}): string {
  return only === 'get_data' ? `${pipeline}-get_data` : `${pipeline}-batch-${batch}`;
}
