/**
 * What the rest of the project may ask of experiment tracking. Every method is idempotent, so an
 * activity that is retried, or runs twice at once, leaves one run, one model, one version, one point.
 * Failures are TrackingUnavailable (trying again can help) or TrackingRefused (it cannot).
 * Times are milliseconds since 1970.
 */
export interface Tracker {
  /** Where this tracker writes; holds no credentials, safe to show. */
  readonly uri: string;
  /** The command that shows what is there; null where `runUrl` is a page. */
  readonly look: string | null;
  /** `uri`, and for a directory also which one it really is: what ids are remembered with. */
  place(): string;

  /** The same tracker, its requests given up when `signal` aborts (they then throw its reason). */
  withSignal(signal: AbortSignal): Tracker;

  /** Resolves when tracking answers and accepts us; quick to say when it does not. */
  check(): Promise<void>;

  /** The id of the experiment of this name, created if there is none. A deleted one is refused. */
  ensureExperiment(name: string): Promise<string>;

  /** Runs that are not deleted and carry all these tags, oldest first. */
  findRuns(experimentId: string, tags: Record<string, string>): Promise<FoundRun[]>;
  /** Starts a run. The one method that makes a second when called twice: claim and find first. */
  createRun(run: NewRun): Promise<string>;
  deleteRun(runId: string): Promise<void>;
  /** Whether this run is there and not deleted: a database may have been replaced under its URL. */
  hasRun(runId: string): Promise<boolean>;
  /** Shows a run as running again, however it ended. */
  resumeRun(runId: string): Promise<void>;
  finishRun(runId: string, status: FinalStatus, endedAt: number): Promise<void>;

  /** A param logged before with another value is refused: a run's params never change. */
  logParams(runId: string, params: Record<string, ParamValue>): Promise<void>;
  /** Points with the same name, step, timestamp and value are one point: pin the timestamp. */
  logMetrics(runId: string, metrics: Record<string, number>, at: MetricPoint): Promise<void>;
  setTags(runId: string, tags: Record<string, string>): Promise<void>;
  /** The data sets a run read and, with `modelId`, the model it scored. */
  logInputs(runId: string, datasets: Dataset[], modelId?: string): Promise<void>;
  logArtifact(runId: string, path: string, bytes: Uint8Array, contentType?: string): Promise<void>;

  /** Stores a model as the output of a run, finishing one half stored before; returns its id. */
  logModel(runId: string, model: NewModel): Promise<string>;
  /** The run's version of this registered model, created if there is none, under `alias` if one is given; null without a registry. */
  registerModel(version: NewVersion): Promise<string | null>;
  /** Points an alias at a version, from wherever it pointed; nothing without a registry. */
  setAlias(alias: { name: string; alias: string; version: string }): Promise<void>;

  /** Where a person looks at a run: its page, or its folder. */
  runUrl(experimentId: string, runId: string): string;
  /** The page of one version of a registered model; the directory itself where there is no registry. */
  modelUrl(name: string, version: string): string;
}

export type FinalStatus = 'FINISHED' | 'FAILED' | 'KILLED';
export type RunStatus = FinalStatus | 'RUNNING' | 'SCHEDULED';
export type ParamValue = string | number | boolean | null;

export interface NewRun {
  experimentId: string;
  name: string;
  startedAt: number;
  tags: Record<string, string>;
}

export interface FoundRun extends NewRun {
  runId: string;
  status: RunStatus;
}

export interface MetricPoint {
  step: number;
  timestamp: number;
  /** The model these are scores of: they show on its page too. */
  modelId?: string;
  /** The data set they were measured on: one of the run's inputs, by name and digest. */
  dataset?: { name: string; digest: string };
}

export interface Dataset {
  name: string;
  /** At most 36 characters: an MD5 fits, a SHA-256 does not. */
  digest: string;
  sourceType: string;
  /** Where it is: a string, or JSON such as `{"uri": "s3://…"}` for the types MLflow knows. */
  source: string;
  schema?: string;
  profile?: string;
  context: 'training' | 'testing';
}

/** Bytes, or the path of a file of this machine that holds them. */
export type Content = { bytes: Uint8Array } | { file: string };

/** A file of a model: its path inside the model, with `/`. */
export type ModelFile = { path: string } & Content;

export interface NewModel {
  name: string;
  /** The model's files, made once its id is known, because MLflow's MLmodel file carries it. */
  files: (identity: { modelId: string; runId: string }) => ModelFile[];
  params?: Record<string, ParamValue>;
  tags?: Record<string, string>;
  /** The step of the run that made it: the batch's number. */
  step?: number;
}

export interface NewVersion {
  name: string;
  modelId: string;
  runId: string;
  /** Such as `batch-3`; moves here if another version holds it. */
  alias?: string;
  tags?: Record<string, string>;
  description?: string;
}

/** Where a pipeline's runs are tracked, and under which names. */
export interface Tracking {
  tracker: Tracker;
  /** Whether runs continue while tracking is not available, and are logged afterwards. */
  deferTracking?: boolean;
  /** Name of the MLflow experiment that runs belong to. */
  experimentName: string;
  /** Name that models are registered under. */
  modelName: string;
}
