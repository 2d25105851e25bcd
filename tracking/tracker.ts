/**
 * The interface of experiment tracking. Every method except createRun is idempotent, so an activity that is
 * retried, or runs twice at once, leaves one run, one model, one version and one point.
 * Failures are TrackingUnavailable (trying again can help) or TrackingRefused (it cannot).
 * Times are milliseconds since 1970.
 */
export interface Tracker {
  /** Where this tracker writes. It holds no credentials and can be shown. */
  readonly uri: string;
  /** The command that shows the runs; null when `makeRunUrl` is a page. */
  readonly look: string | null;
  /** Returns `uri`, with the identity of a directory, which stays when it moves. Stored IDs belong to a place. */
  place(): string;

  /** Returns the same tracker with requests that end when `signal` is aborted. They then throw its reason. */
  withSignal(signal: AbortSignal): Tracker;

  /** Checks that tracking answers and accepts this client. Fails after a short time when it does not. */
  check(): Promise<void>;

  /**
   * Returns the ID of the experiment of this name, and creates it if there is none. A deleted one is refused.
   * @param description Markdown that a new experiment gets. Later a person may change it.
   */
  ensureExperiment(name: string, description?: string): Promise<string>;

  /** Returns the runs that are not deleted and have all these tags, oldest first. */
  findRuns(experimentId: string, tags: Record<string, string>): Promise<FoundRun[]>;
  /** Starts a run. A second call starts a second run, so the caller claims the attempt and searches first. */
  createRun(run: NewRun): Promise<string>;
  deleteRun(runId: string): Promise<void>;
  /** Whether this run exists and is not deleted. The database of a server may have been replaced. */
  hasRun(runId: string): Promise<boolean>;
  /** Marks a run as running again, from any status. */
  resumeRun(runId: string): Promise<void>;
  finishRun(runId: string, status: FinalStatus, endedAt: number): Promise<void>;
  renameRun(runId: string, name: string): Promise<void>;

  /** Logs params. A param with another value than before is refused, because a run's params never change. */
  logParams(runId: string, params: Record<string, ParamValue>): Promise<void>;
  /** Logs metrics. Points with equal name, step, timestamp and value are one point, so a repeat needs the same time. */
  logMetrics(runId: string, metrics: Record<string, number>, at: MetricPoint): Promise<void>;
  /** The tag `mlflow.note.content` is the description of the run, in Markdown. */
  setTags(runId: string, tags: Record<string, string>): Promise<void>;
  /** Logs the data sets that a run read and, with `modelId`, the model that it scored. */
  logInputs(runId: string, datasets: Dataset[], modelId?: string): Promise<void>;
  logArtifact(runId: string, path: string, bytes: Uint8Array, contentType?: string): Promise<void>;

  /** Stores a model as the output of a run, and finishes a partly stored one. Returns its ID. */
  logModel(runId: string, model: NewModel): Promise<string>;
  /**
   * Returns the run's version of a registered model, and creates it if there is none.
   * Later ones with the same tags are deleted.
   * @returns null without a registry
   */
  registerModel(version: NewVersion): Promise<string | null>;
  /** Describes a version in Markdown. Without a registry it does nothing. */
  describeVersion(version: { name: string; version: string; description: string }): Promise<void>;
  /** Returns the version that an alias points at; null where it points at none, undefined without a registry. */
  getAlias(alias: { name: string; alias: string }): Promise<string | null | undefined>;
  /**
   * Points an alias at a version. Without a registry it does nothing.
   * @returns false when the version was deleted
   */
  setAlias(alias: { name: string; alias: string; version: string }): Promise<boolean>;

  /** Returns the URL of a run's page, or of its folder. */
  makeRunUrl(experimentId: string, runId: string): string;
  /** Returns the page of a file of a run, or the file. */
  makeArtifactUrl(experimentId: string, runId: string, path: string): string;
  /** Returns the page of a version of a registered model; without a registry, the directory. */
  makeModelUrl(name: string, version: string): string;
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
  /** The model that the scores are of. Its page shows them too. */
  modelId?: string;
  /** The data set that they were measured on: an input of the run, by name and digest. */
  dataset?: { name: string; digest: string };
}

export interface Dataset {
  name: string;
  /** At most 36 characters: an MD5 fits, and a SHA-256 does not. */
  digest: string;
  sourceType: string;
  /** The location: a string, or JSON such as `{"uri": "s3://…"}` for the types that MLflow knows. */
  source: string;
  schema?: string;
  profile?: string;
  context: 'training' | 'testing';
}

/** Bytes, or the path of a file of this machine. */
export type Content = { bytes: Uint8Array } | { file: string };

/** A file of a model: its path inside the model, with `/`. */
export type ModelFile = { path: string } & Content;

export interface NewModel {
  name: string;
  /**
   * Makes the model's files. They need the model's ID, because MLflow's MLmodel file holds it. It is not called for a
   * model that is stored already.
   */
  files: (identity: { modelId: string; runId: string }) => ModelFile[] | Promise<ModelFile[]>;
  params?: Record<string, ParamValue>;
  tags?: Record<string, string>;
  /** The step of the run that made it: the batch's number. */
  step?: number;
}

export interface NewVersion {
  name: string;
  modelId: string;
  runId: string;
  tags?: Record<string, string>;
  /** Markdown that a new registered model gets. */
  modelDescription?: string;
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
