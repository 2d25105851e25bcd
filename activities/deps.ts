import type { Config } from '../config/environment.ts';
import type { Store } from '../store/index.ts';
import type { LocalCache } from '../store/local-cache.ts';
import type { Tracker } from '../tracking/tracker.ts';
import type { Compute } from '../compute/pool.ts';
import type { SourcePlace } from '../sources/source.ts';

/** Where a pipeline's runs are tracked, and under which names. */
export interface Tracking {
  tracker: Tracker;
  /** Whether runs go on while tracking is away, to be logged afterwards; absent: they wait. */
  deferTracking?: boolean;
  /** Name of the MLflow experiment runs belong to. */
  experimentName: string;
  /** Name their models are registered under. */
  modelName: string;
}

/** What an activity is given, its pipeline's tracking among it. */
export type Deps = WorkerDeps & Tracking;

/** What activities are given at start-up, so that each is testable alone. */
export interface WorkerDeps {
  store: Store;
  /** Files of the store kept on this machine. */
  local: LocalCache;
  /** Of the pipeline named, or of the default one. */
  trackingOf: (pipeline?: string) => Tracking;
  /** Runs a pure function of pipeline/ in a worker thread. */
  compute: Compute;
  /** Reads params.yaml as it stands now, for the pipeline named or the default one. */
  readConfig: (pipeline?: string) => Pick<Config, 'pipeline' | 'params'>;
  /** The names of our search attributes that Temporal knows here; others must not be set. */
  searchAttributes?: () => Promise<string[]>;
  /** Where the ends of runs are told. */
  webhook?: URL | undefined;
  /** The project folder: the only place a worker reads source files from. */
  root: string;
  /** Where s3:// sources are, and within which bounds sources are read. */
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** The commit this worker runs, where it is known. */
  gitCommit: string | undefined;
  /** Where runs begun here send the stages that compute; undefined: their own task queue. */
  cpuTaskQueue?: string | undefined;
}
