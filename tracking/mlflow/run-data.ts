import type { Dataset, MetricPoint, ParamValue } from '../tracker.ts';
import { anything, type Http, type FileBody } from './http.ts';
import {
  legalNames,
  METRICS_PER_REQUEST,
  PARAMS_PER_REQUEST,
  paramValue,
  splitInto,
  TAGS_PER_REQUEST,
  tagValue,
} from './limits.ts';
import { TrackingRefused } from '../../contract/failures.ts';

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#log-batch */
const LOG_BATCH = 'runs/log-batch';

/** The server ignores a param that it has with the same value, and refuses it with another value. */
export async function logParams(
  http: Http,
  runId: string,
  params: Record<string, ParamValue>,
): Promise<void> {
  const all = legalNames(params).map(([key, value]) => ({ key, value: paramValue(value) }));
  for (const some of splitInto(all, PARAMS_PER_REQUEST))
    await http.post(LOG_BATCH, { run_id: runId, params: some }, anything);
}

/** The server keeps one point for each name, step, timestamp and value. */
export async function logMetrics(
  http: Http,
  runId: string,
  metrics: Record<string, number>,
  at: MetricPoint,
): Promise<void> {
  const all = legalNames(metrics).map(([key, value]) => ({
    key,
    // JSON has no NaN or Infinity; protobuf's JSON reads them as these words.
    value: Number.isFinite(value) ? value : String(value),
    step: at.step,
    timestamp: at.timestamp,
    model_id: at.modelId,
    dataset_name: at.dataset?.name,
    dataset_digest: at.dataset?.digest,
  }));
  for (const some of splitInto(all, METRICS_PER_REQUEST))
    await http.post(LOG_BATCH, { run_id: runId, metrics: some }, anything);
}

export async function setTags(
  http: Http,
  runId: string,
  tags: Record<string, string>,
): Promise<void> {
  const all = Object.entries(tags).map(([key, value]) => ({ key, value: tagValue(value) }));
  for (const some of splitInto(all, TAGS_PER_REQUEST))
    await http.post(LOG_BATCH, { run_id: runId, tags: some }, anything);
}

/**
 * Logs data sets as inputs of a run. Name and digest identify a data set in its experiment, and the server
 * ignores an input that the run has already. https://mlflow.org/docs/latest/api_reference/rest-api.html#log-inputs
 */
export async function logInputs(
  http: Http,
  runId: string,
  datasets: Dataset[],
  modelId?: string,
): Promise<void> {
  const body = {
    run_id: runId,
    datasets: datasets.map(({ name, digest, sourceType, source, schema, profile, context }) => ({
      tags: [{ key: 'mlflow.data.context', value: context }],
      dataset: { name, digest, source_type: sourceType, source, schema, profile },
    })),
    ...(modelId === undefined ? {} : { models: [{ model_id: modelId }] }),
  };
  await http.post('runs/log-inputs', body, anything);
}

const PROXY = '/api/2.0/mlflow-artifacts/artifacts';

/**
 * Stores a file under an artifact root through the tracking server, so that no worker needs the
 * artifact store's credentials.
 * https://mlflow.org/docs/latest/self-hosting/architecture/artifact-store/
 */
export async function uploadArtifact(
  http: Http,
  root: string,
  path: string,
  body: Uint8Array | FileBody,
  contentType = 'application/octet-stream',
): Promise<void> {
  const folder = toProxiedPath(http.options.uri, root);
  const segments = [...folder.split('/'), ...path.split('/')].filter((part) => part !== '');
  await http.upload(`${PROXY}/${segments.map(encodeURIComponent).join('/')}`, body, contentType);
}

/**
 * Turns `mlflow-artifacts:/1/<run>/artifacts` into `1/<run>/artifacts`.
 * @throws TrackingRefused for a root that the server does not serve
 */
function toProxiedPath(uri: string, root: string): string {
  const proxied = /^mlflow-artifacts:\/(?!\/)(.*)$/.exec(root)?.[1];
  // A server whose own URL was set as the root writes the root like this.
  const prefix = `${uri}${PROXY}/`;
  const path = proxied ?? (root.startsWith(prefix) ? root.slice(prefix.length) : undefined);
  if (path !== undefined) return decodeURIComponent(path);
  throw new TrackingRefused(
    `the MLflow server at ${uri} keeps this experiment's files at ${removeSecrets(root)}, which it does not serve: start it with --serve-artifacts, and set a new mlflow.experiment_name, because an experiment keeps its location`,
  );
}

/** Removes credentials and the query from a root, which may be a URL of any scheme. */
function removeSecrets(root: string): string {
  return root.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}
