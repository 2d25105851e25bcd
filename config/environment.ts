import { resolve } from 'node:path';
import { TASK_QUEUE } from '../contract/train-batch.ts';
import { limitsFromEnv, type SourcePlace } from '../sources/source.ts';
import { readEnvNumber } from '../contract/env.ts';
import { BadParams } from '../contract/failures.ts';
import { mayHoldPassword } from '../contract/wrong-value.ts';
import { DEFAULT_TRACKING_URI, readParams } from './params-file.ts';
import { stackDir, findWorkFolders } from './project-root.ts';
import type { BucketOptions } from '../store/bucket.ts';
import { authFromEnv, type TrackingAuth, trackingUri } from '../tracking/place.ts';

/** The locations and settings of this process. They are never pinned into a run. */
export interface Config {
  /** The pipeline asked for, or the default one. */
  pipeline: string;
  /** The pipeline a run belongs to when it names none. */
  defaultPipeline: string;
  /** The pipelines of params.yaml, the default one first; undefined when it has no `pipelines`. */
  pipelines: string[] | undefined;
  storage: BucketOptions;
  /** The server of s3:// sources, and the limits for reading any source. */
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** The folder of temporary files. */
  scratch: string;
  /** The folder of the local cache. */
  cache: string;
  /** The folder of the local stack, whether or not there is one. */
  stackDir: string;
  /** `uri` is a server's, or `file:///…` for a directory. */
  tracking: {
    uri: string;
    experimentName: string;
    /** Of the registered model. */
    modelName: string;
    auth: TrackingAuth | undefined;
    onUnavailable: 'retry' | 'defer';
  };
  nightly: {
    /** Whether a nightly fails at its end if a file cannot be used. */
    onQuarantine: 'warn' | 'fail';
  };
  /** Base URL of Temporal's Web UI, for links. */
  temporalUi: string;
  /** The task queue on which runs start. */
  taskQueue: string;
  /** The params of the pipeline in params.yaml that are pinned into a run. */
  params: Record<string, unknown>;
  /** Those of them that are the pipeline's own, and not inherited from the top of the file. */
  ownParams: Record<string, unknown>;
  /** Present if the file has `pipelines`, and this one is not among them: a sentence that says so. */
  unlisted: string | undefined;
}

/**
 * Reads params.yaml of the project folder and the environment, which wins.
 * @param pipeline default: the default pipeline of params.yaml
 * @throws BadParams when the file is not YAML, or has an unknown key or a value that no run can have, at the top or in
 * the pipeline's section
 */
export function loadConfig(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  pipeline?: string,
): Config {
  return loadConfigs(root, env)(pipeline);
}

/** Like {@link loadConfig}, for a run: its client has another params.yaml, so a message says that this is the worker's. */
export function loadRunConfig(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  pipeline?: string,
): Config {
  return loadConfigs(root, env, "the worker's ")(pipeline);
}

/**
 * Like {@link loadConfig}, but reads the file once for all pipelines.
 * @param owner begins the name of the file in messages
 */
export function loadConfigs(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  owner = '',
): (pipeline?: string) => Config {
  const file = readParams(root, owner);
  const { storage, defaultPipeline, pipelines } = file;
  const endpoint =
    readEndpoint(env, 'AWS_ENDPOINT_URL_S3') ??
    readEndpoint(env, 'AWS_ENDPOINT_URL') ??
    storage.endpoint;
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? storage.region;
  const bucket = env['RETRAIN_BUCKET'] ?? storage.bucket;
  const idleMs = readEnvNumber(env, 'RETRAIN_S3_IDLE_MS', IDLE_MS);
  const own = { endpoint: endpoint ?? undefined, region, bucket, idleMs };
  const shared = {
    defaultPipeline,
    pipelines,
    storage: own,
    sources: {
      s3: chooseSourceServer(own, storage.source_endpoint, env),
      limits: limitsFromEnv(env),
    },
    ...findWorkFolders(root, env),
    stackDir: stackDir(root, env),
    temporalUi: env['TEMPORAL_UI_URL'] ?? 'http://localhost:8233',
    taskQueue: env['RETRAIN_TASK_QUEUE'] || TASK_QUEUE,
  };
  return (asked) => {
    const { pipeline, params, ownParams, unlisted, onQuarantine, ...tracked } =
      file.settings(asked);
    const { modelName, onUnavailable } = tracked;
    const all = env['MLFLOW_EXPERIMENT_NAME'] ?? file.experimentName;
    // Each pipeline has its own experiment from its first run, whether the file lists it or not.
    const apart = pipeline !== defaultPipeline;
    return {
      ...shared,
      pipeline,
      params,
      ownParams,
      unlisted,
      nightly: { onQuarantine },
      tracking: {
        uri: trackingUri(chooseTracking(tracked.trackingUri, env), resolve(root)),
        experimentName: tracked.experimentName ?? (apart ? `${all}-${pipeline}` : all),
        modelName,
        auth: authFromEnv(env),
        onUnavailable,
      },
    };
  };
}

/** How long a connection to the store may be silent. */
const IDLE_MS = { otherwise: 30_000, least: 100, most: 3_600_000, what: 'milliseconds' };

/** Reads the URL of an S3 server. Messages show it, so it may hold no password. */
function readEndpoint(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const url = env[name];
  if (url === undefined || !mayHoldPassword(url)) return url;
  const keys = name.startsWith('AWS')
    ? 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
    : 'RETRAIN_SOURCE_ACCESS_KEY_ID and RETRAIN_SOURCE_SECRET_ACCESS_KEY';
  throw new BadParams(`${name} has an "@", so it may hold a password: remove it, and set ${keys}`);
}

/** The local stack's address replaces the default one, but never an address that a person has written. */
function chooseTracking(written: string, env: NodeJS.ProcessEnv): string {
  const stack = env['RETRAIN_STACK_MLFLOW_URI'];
  const ours = written === DEFAULT_TRACKING_URI && stack !== undefined ? stack : written;
  return env['MLFLOW_TRACKING_URI'] ?? ours;
}

/** The server of s3:// sources and its credentials: the store's, unless another is configured. */
function chooseSourceServer(
  store: BucketOptions,
  configured: string | null,
  env: NodeJS.ProcessEnv,
): BucketOptions {
  const endpoint = readEndpoint(env, 'RETRAIN_SOURCE_ENDPOINT_URL_S3') ?? configured;
  const accessKeyId = env['RETRAIN_SOURCE_ACCESS_KEY_ID'];
  const secretAccessKey = env['RETRAIN_SOURCE_SECRET_ACCESS_KEY'];
  return {
    ...store,
    ...(endpoint === null ? {} : { endpoint: endpoint === 'aws' ? undefined : endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  };
}
