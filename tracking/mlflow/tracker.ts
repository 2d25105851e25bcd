import { z } from 'zod';
import { authorization, parseAddress } from './address.ts';
import { makeArtifactUrl, makeModelUrl, makeRunUrl, type TrackingAuth } from '../place.ts';
import { uploadArtifact, logInputs, logMetrics, logParams, setTags } from './run-data.ts';
import { anything, Http } from './http.ts';
import { logModel } from './logged-model.ts';
import { describeVersion, getAlias, registerModel, setAlias } from './registry.ts';
import {
  createRun,
  deleteRun,
  findRuns,
  finishRun,
  hasRun,
  renameRun,
  resumeRun,
  RunPlaces,
} from './run.ts';
import type { Tracker } from '../tracker.ts';
import { TrackingRefused } from '../../contract/failures.ts';
import { codeOf } from './failure.ts';

export interface MlflowOptions {
  /** URL of an MLflow 3 server. Credentials in it are used and never shown. */
  uri: string;
  auth?: TrackingAuth | undefined;
  /** The limit for one request; 10 000 by default. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const CHECK_MS = 3_000;

/** Creates a tracker on an MLflow server. The first request opens the first connection. */
export function createMlflowTracker(options: MlflowOptions): Tracker {
  const address = parseAddress(options.uri);
  const auth = options.auth ?? address.auth;
  const http = new Http({
    uri: address.uri,
    authorization: auth === undefined ? undefined : authorization(auth),
    timeoutMs: options.timeoutMs ?? 10_000,
    signal: options.signal,
  });
  return trackOn(http, new RunPlaces());
}

function trackOn(http: Http, places: RunPlaces): Tracker {
  const { uri, timeoutMs, signal: ownSignal } = http.options;
  return {
    uri,
    look: null,
    place: () => uri,
    withSignal: (added) => {
      const signal = ownSignal === undefined ? added : AbortSignal.any([ownSignal, added]);
      return trackOn(new Http({ ...http.options, signal }), places);
    },
    check: async () => {
      // /health is not asked, because it answers OK to host names and users that other requests refuse.
      const quick = new Http({ ...http.options, timeoutMs: Math.min(timeoutMs, CHECK_MS) });
      await quick.search('experiments/search', { max_results: 1 }, anything);
    },
    ensureExperiment: (name, description) => ensureExperiment(http, name, description),
    findRuns: (experimentId, tags) => findRuns(http, places, experimentId, tags),
    createRun: (run) => createRun(http, places, run),
    hasRun: (runId) => hasRun(http, runId),
    deleteRun: (runId) => deleteRun(http, runId),
    resumeRun: (runId) => resumeRun(http, runId),
    finishRun: (runId, status, endedAt) => finishRun(http, runId, status, endedAt),
    renameRun: (runId, name) => renameRun(http, runId, name),
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
    describeVersion: (version) => describeVersion(http, version),
    getAlias: (alias) => getAlias(http, alias),
    setAlias: (alias) => setAlias(http, alias),
    makeRunUrl: (experimentId, runId) => makeRunUrl(uri, experimentId, runId),
    makeArtifactUrl: (experimentId, runId, path) =>
      makeArtifactUrl(uri, { experimentId, runId, path }),
    makeModelUrl: (name, version) => makeModelUrl(uri, name, version),
  };
}

const found = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string() }),
});
const created = z.object({ experiment_id: z.string() });

/**
 * Returns the experiment's ID, and creates the experiment if there is none. The ID is not cached: a request
 * costs 5 ms, and after the server's database is replaced an old ID may belong to another experiment.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html#get-experiment-by-name
 */
export async function ensureExperiment(
  http: Http,
  name: string,
  description?: string,
): Promise<string> {
  const existing = await experimentNamed(http, name);
  if (existing !== undefined) return existing;
  try {
    const tags =
      description === undefined
        ? {}
        : { tags: [{ key: 'mlflow.note.content', value: description }] };
    return (await http.post('experiments/create', { name, ...tags }, created)).experiment_id;
  } catch (error) {
    if (codeOf(error) !== 'RESOURCE_ALREADY_EXISTS') throw error;
    // Another worker was first.
    const theirs = await experimentNamed(http, name);
    if (theirs === undefined) throw error;
    return theirs;
  }
}

async function experimentNamed(http: Http, name: string): Promise<string | undefined> {
  try {
    const query = { experiment_name: name };
    const { experiment } = await http.get('experiments/get-by-name', query, found);
    if (experiment.lifecycle_stage === 'active') return experiment.experiment_id;
    const { uri } = http.options;
    throw new TrackingRefused(
      `experiment "${name}" was deleted on the MLflow server at ${uri}: restore it with "MLFLOW_TRACKING_URI=${uri} mlflow experiments restore --experiment-id ${experiment.experiment_id}", or set another mlflow.experiment_name`,
    );
  } catch (error) {
    if (codeOf(error) === 'RESOURCE_DOES_NOT_EXIST') return undefined;
    throw error;
  }
}

const ANSWER_MS = 5_000;

/**
 * Returns the version that an MLflow server reports at `/version`.
 * @returns undefined when there is no such answer, for example behind a proxy
 */
export async function serverVersion(options: MlflowOptions): Promise<string | undefined> {
  const address = parseAddress(options.uri);
  const auth = options.auth ?? address.auth;
  try {
    const answer = await fetch(`${address.uri}/version`, {
      headers: auth === undefined ? {} : { authorization: authorization(auth) },
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs ?? ANSWER_MS),
    });
    const text = (await answer.text()).trim();
    return answer.ok && /^\d+\.\d+\.[\w.]{1,20}$/.test(text) ? text : undefined;
  } catch {
    return undefined; // `check` reports a server that does not answer
  }
}
