import type { Compute } from '../compute/pool.ts';
import type { Activities } from '../contract/activities.ts';
import type { SourcePlace } from '../sources/source.ts';
import type { Store } from '../store/index.ts';
import type { LocalCache } from '../store/local-cache.ts';
import type { Tracking } from '../tracking/tracker.ts';
import { changeChampion } from './change_champion.ts';
import { closeRuns } from './close_runs.ts';
import { decideAgain } from './decide_again.ts';
import { evaluate } from './evaluate.ts';
import { findMissing } from './find_missing.ts';
import { findPending } from './find_pending.ts';
import { gate } from './gate.ts';
import { getData } from './get_data.ts';
import { logVersion } from './log_version.ts';
import { mergeData } from './merge_data.ts';
import { notify } from './notify.ts';
import { notePromotion } from './note_promotion.ts';
import { pinNightly } from './pin_nightly.ts';
import { pinPromotion } from './pin_promotion.ts';
import { pinRun, type PipelineConfig } from './pin_run.ts';
import { prepareBatch } from './prepare_batch.ts';
import { preprocess } from './preprocess.ts';
import { promoteVersion } from './promote_version.ts';
import { publishVersion } from './publish_version.ts';
import { currentExecution, currentRun } from './run-stage.ts';
import { train } from './train.ts';

/** The parts of a worker that its activities use. */
export interface WorkerDeps {
  store: Store;
  /** Files of the store kept on this machine. */
  local: LocalCache;
  /** The tracking of the named pipeline, or of the default one. */
  trackingOf: (pipeline?: string) => Tracking;
  /** Runs a pure function of pipeline/ in a worker thread. */
  compute: Compute;
  /** Reads params.yaml as it is now, for the pipeline named or the default one. */
  readConfig: (pipeline?: string) => PipelineConfig;
  /** The names of our search attributes that Temporal knows here; others must not be set. */
  searchAttributes?: () => Promise<string[]>;
  /** The webhook to which the end of each run is reported. */
  webhook?: URL | undefined;
  /** The project folder: the only place a worker reads source files from. */
  root: string;
  /** The folder of temporary files, which can be as large as the data. */
  scratch: string;
  /** The server of s3:// sources, and the limits for reading any source. */
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** The commit this worker runs, where it is known. */
  gitCommit: string | undefined;
  /** Where people see runs in Temporal's Web UI. */
  temporal: { webUi: string; namespace: string };
  /** The task queue for the stages that compute; undefined: the task queue of the run. */
  cpuTaskQueue?: string | undefined;
  /** Seconds without a heartbeat after which another worker gets an activity; undefined: the default. */
  heartbeatTimeout?: number | undefined;
}

/** Creates the activities of a worker. */
export function createActivities(deps: WorkerDeps): Activities {
  /** Reads the store for one activity of a pipeline. */
  const stored = ({ pipeline }: { pipeline: string }): WorkerDeps => ({
    ...deps,
    store: { ...deps.store, artifacts: deps.store.artifacts.forOneActivity(pipeline) },
  });
  /** Adds the tracking of the pipeline. */
  const tracked = (request: { pipeline: string }): WorkerDeps & Tracking => ({
    ...stored(request),
    ...deps.trackingOf(request.pipeline),
  });
  return {
    pin_run: async (input) => pinRun(deps, input),
    pin_nightly: async (input) => pinNightly(deps, input),
    find_missing: async (request) => findMissing(deps, request),
    notify: async (request) => notify(deps, request, currentExecution()),
    close_runs: async (request) =>
      closeRuns({ ...deps, ...deps.trackingOf(request.pipeline) }, request),
    pin_promotion: async (input) => pinPromotion(deps, input),
    note_promotion: async (request) => notePromotion(deps, request),
    ...underLease(deps, {
      find_pending: async (request) => findPending(deps, request),
      get_data: async (request) => getData(stored(request), request),
      prepare_batch: async (request) => prepareBatch(stored(request), request),
      merge_data: async (request) => mergeData(stored(request), request),
      preprocess: async (request) => preprocess(stored(request), request),
      train: async (request) => train(tracked(request), request),
      evaluate: async (request) => evaluate(tracked(request), request),
      gate: async (request) => gate(stored(request), request),
      publish_version: async (request) => publishVersion(tracked(request), request),
      log_version: async (input) => logVersion(tracked(input), input),
    }),
    // A promotion can wait for days, and must not keep gc from working all that time.
    ...underLease(
      deps,
      {
        promote_version: async (request) => promoteVersion(tracked(request), request),
        decide_again: async (request) => decideAgain(stored(request), request),
        change_champion: async (request) => changeChampion(tracked(request), request),
      },
      { isReleased: true },
    ),
  };
}

type AnyActivity = (request: never) => Promise<unknown>;

/**
 * Takes the lease of the run before each activity reads the store, so that gc does not remove what the run
 * uses. Only the first activity of a run on a worker sends requests for it: two small ones.
 * @param isReleased whether the lease ends with the activity, and not with the run
 */
function underLease<Name extends keyof Activities>(
  deps: Pick<WorkerDeps, 'store'>,
  activities: Pick<Activities, Name>,
  { isReleased }: { isReleased: boolean } = { isReleased: false },
): Pick<Activities, Name> {
  const leased = (work: AnyActivity) => async (request: { pipeline?: string }) => {
    const { signal, heartbeat } = currentExecution();
    const run = currentRun(request.pipeline);
    await deps.store.leases.take(run, {
      signal,
      waiting: () => heartbeat({ stage: 'waiting for gc', fraction: 0 }),
    });
    try {
      return await work(request as never);
    } finally {
      if (isReleased) await deps.store.leases.releaseAll(run);
    }
  };
  const wrapped = Object.entries<AnyActivity>(activities).map(([name, work]) => [
    name,
    leased(work),
  ]);
  return Object.fromEntries(wrapped) as Pick<Activities, Name>;
}
