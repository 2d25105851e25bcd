import { authorization, parseAddress } from './address.ts';
import { runUrl, type TrackingAuth } from '../place.ts';
import { uploadArtifact } from './artifact.ts';
import { ensureExperiment } from './experiment.ts';
import { anything, Http } from './http.ts';
import { logModel } from './logged-model.ts';
import { registerModel, setAlias } from './registry.ts';
import { createRun, deleteRun, findRuns, finishRun, hasRun, resumeRun } from './run.ts';
import { logInputs, logMetrics, logParams, setTags } from './run-data.ts';
import { RunPlaces } from './run-places.ts';
import type { Tracker } from '../tracker.ts';

export interface MlflowOptions {
  /** URL of an MLflow 3 server; credentials in it are used, and never shown. */
  uri: string;
  auth?: TrackingAuth | undefined;
  /** For one request; default 10 000. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const CHECK_MS = 3_000;

/** A tracker on an MLflow tracking server. Opens nothing: the first request does. */
export function createMlflowTracker(options: MlflowOptions): Tracker {
  const address = parseAddress(options.uri);
  const auth = options.auth ?? address.auth;
  const http = new Http({
    uri: address.uri,
    authorization: auth === undefined ? undefined : authorization(auth),
    timeoutMs: options.timeoutMs ?? 10_000,
    signal: options.signal,
  });
  return trackerOn(http, new RunPlaces());
}

function trackerOn(http: Http, places: RunPlaces): Tracker {
  const { uri, timeoutMs, signal: standing } = http.options;
  return {
    uri,
    look: null,
    place: () => uri,
    withSignal: (added) => {
      const signal = standing === undefined ? added : AbortSignal.any([standing, added]);
      return trackerOn(new Http({ ...http.options, signal }), places);
    },
    check: async () => {
      // Not /health, which answers OK to host names and users that everything else refuses.
      const quick = new Http({ ...http.options, timeoutMs: Math.min(timeoutMs, CHECK_MS) });
      await quick.search('experiments/search', { max_results: 1 }, anything);
    },
    ensureExperiment: (name) => ensureExperiment(http, name),
    findRuns: (experimentId, tags) => findRuns(http, places, experimentId, tags),
    createRun: (run) => createRun(http, places, run),
    hasRun: (runId) => hasRun(http, runId),
    deleteRun: (runId) => deleteRun(http, runId),
    resumeRun: (runId) => resumeRun(http, runId),
    finishRun: (runId, status, endedAt) => finishRun(http, runId, status, endedAt),
    logParams: (runId, params) => logParams(http, runId, params),
    logMetrics: (runId, metrics, at) => logMetrics(http, runId, metrics, at),
    setTags: (runId, tags) => setTags(http, runId, tags),
    logInputs: (runId, datasets, modelId) => logInputs(http, runId, datasets, modelId),
    logArtifact: async (runId, path, bytes, contentType) => {
      const { artifactUri } = await places.of(http, runId);
      await uploadArtifact(http, artifactUri, path, bytes, contentType);
    },
    logModel: (runId, model) => logModel(http, places, runId, model),
    registerModel: (version) => registerModel(http, version),
    setAlias: (alias) => setAlias(http, alias),
    runUrl: (experimentId, runId) => runUrl(uri, experimentId, runId),
    modelUrl: (name, version) => `${uri}/#/models/${encodeURIComponent(name)}/versions/${version}`,
  };
}
