import type { Dataset, MetricPoint, ParamValue } from '../tracker.ts';
import { anything, type Http, type FileBody } from './http.ts';
import {
  legalNames,
  METRICS_PER_REQUEST,
  PARAMS_PER_REQUEST,
  paramValue,
  portions,
  TAGS_PER_REQUEST,
  tagValue,
} from './limits.ts';
import { TrackingRefused } from '../../contract/failures.ts';

/** https://mlflow.org/docs/latest/api_reference/rest-api.html#log-batch */
const LOG_BATCH = 'runs/log-batch';

/** The server skips a param it has with the same value and refuses one with another. */
export async function logParams(
  http: Http,
  runId: string,
  params: Record<string, ParamValue>,
): Promise<void> {
  const all = legalNames(params).map(([key, value]) => ({ key, value: paramValue(value) }));
  for (const some of portions(all, PARAMS_PER_REQUEST))
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
  for (const some of portions(all, METRICS_PER_REQUEST))
    await http.post(LOG_BATCH, { run_id: runId, metrics: some }, anything);
}

export async function setTags(
  http: Http,
  runId: string,
  tags: Record<string, string>,
): Promise<void> {
  const all = Object.entries(tags).map(([key, value]) => ({ key, value: tagValue(value) }));
  for (const some of portions(all, TAGS_PER_REQUEST))
    await http.post(LOG_BATCH, { run_id: runId, tags: some }, anything);
}

/**
 * A data set is known by name and digest within its experiment, and is a run's input once: the
 * server skips what it has. https://mlflow.org/docs/latest/api_reference/rest-api.html#log-inputs
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
  const folder = proxiedPath(http.options.uri, root);
  const segments = [...folder.split('/'), ...path.split('/')].filter((part) => part !== '');
  await http.upload(`${PROXY}/${segments.map(encodeURIComponent).join('/')}`, body, contentType);
}

/** `mlflow-artifacts:/1/<run>/artifacts` → `1/<run>/artifacts`; other roots cannot be served. */
function proxiedPath(uri: string, root: string): string {
  const proxied = /^mlflow-artifacts:\/(?!\/)(.*)$/.exec(root)?.[1];
  // The same, as a server writes it that was given its own URL as the root.
  const prefix = `${uri}${PROXY}/`;
  const path = proxied ?? (root.startsWith(prefix) ? root.slice(prefix.length) : undefined);
  if (path !== undefined) return decodeURIComponent(path);
  throw new TrackingRefused(
    `the MLflow server at ${uri} keeps this experiment's files at ${withoutSecrets(root)}, outside its reach: start it with --serve-artifacts and use a new mlflow.experiment_name, since an experiment keeps the place it was made with`,
  );
}

/** Roots may be URLs of any scheme; credentials and queries are not for messages. */
function withoutSecrets(root: string): string {
  return root.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}
