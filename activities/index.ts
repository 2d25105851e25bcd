import type {
  CloseRunsRequest,
  FindMissingRequest,
  NotifyRequest,
} from '../contract/activities.ts';
import type { EvaluateRequest, GetDataRequest, MergeDataRequest, StageRequest, TrainRequest } from '../contract/stages.ts';
import type { LogVersionInput, PublishRequest } from '../contract/versions.ts';
import { closeRuns } from './close_runs.ts';
import type { Deps, WorkerDeps } from './deps.ts';
import { evaluate } from './evaluate.ts';
import { findMissing } from './find_missing.ts';
import { findPending } from './find_pending.ts';
import { getData } from './get_data.ts';
import { underLease } from './lease.ts';
import { logVersion } from './log_version.ts';
import { mergeData } from './merge_data.ts';
import { notify } from './notify.ts';
import { currentExecution } from './execution.ts';
import type { FindPendingRequest } from '../contract/nightly.ts';
import { pinNightly } from './pin_nightly.ts';
import { pinRun } from './pin_run.ts';
import { prepareBatch } from './prepare_batch.ts';
import { preprocess } from './preprocess.ts';
import { publishVersion } from './publish_version.ts';
import { train } from './train.ts';

/** The activities a worker offers, under the names a history shows, given what they work with. */
export function createActivities(deps: WorkerDeps) {
  /** With the tracking of the pipeline that is asked for. */
  const of = ({ pipeline }: { pipeline?: string }): Deps => ({
    ...deps,
    ...deps.trackingOf(pipeline),
  });
  return {
    pin_nightly: async (input: unknown) => pinNightly(deps, input),
    find_missing: async (request: FindMissingRequest) => findMissing(deps, request),
    pin_run: async (input: unknown) => pinRun(deps, input),
    notify: async (request: NotifyRequest) => notify(deps.webhook, request, currentExecution()),
    close_runs: async (request: CloseRunsRequest) => closeRuns(of(request), request),
    ...underLease(deps, {
      find_pending: async (request: FindPendingRequest) => findPending(of(request), request),
      get_data: async (request: GetDataRequest) => getData(of(request), request),
      prepare_batch: async (request: StageRequest) => prepareBatch(of(request), request),
      merge_data: async (request: MergeDataRequest) => mergeData(of(request), request),
      preprocess: async (request: StageRequest) => preprocess(of(request), request),
      train: async (request: TrainRequest) => train(of(request), request),
      evaluate: async (request: EvaluateRequest) => evaluate(of(request), request),
      log_version: async (input: LogVersionInput) => logVersion(of(input), input),
      publish_version: async (request: PublishRequest) => publishVersion(of(request), request),
    }),
  };
}

export type Activities = ReturnType<typeof createActivities>;
