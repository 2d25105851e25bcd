import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { TASK_QUEUE } from './activities/contract.ts';
import { limitsFromEnv, type SourcePlace } from './activities/sources/source.ts';
import { BadParams, messageOf } from './errors.ts';
import { parseParams, paramsSchema, pipelineName } from './pipeline/params.ts';
import type { BucketOptions } from './store/bucket.ts';
import { authFromEnv, type TrackingAuth } from './tracking/auth.ts';
import { trackingUri } from './tracking/place.ts';

const localSchema = z.strictObject({
  /** Of params.yaml itself; a file of a newer program is refused. */
  schema: z.literal(1, 'this program knows schema 1 only: update it').default(1),
  pipeline: pipelineName.default('iris'),
  mlflow: z
    .strictObject({
      tracking_uri: z.string().min(1).default('http://localhost:5000'),
      experiment_name: z.string().min(1).default('incremental_training'),
    })
    .prefault({}),
  tracking: z
    .strictObject({
      /** While tracking is unavailable: try until it is back, or finish the version and log it then. */
      on_unavailable: z.enum(['retry', 'defer']).default('retry'),
    })
    .prefault({}),
  storage: z
    .strictObject({
      /** null: AWS itself. */
      endpoint: z
        .url({ protocol: /^https?$/ })
        .refine((url) => !url.includes('@'), {
          message: 'credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, not the URL',
        })
        .nullable()
        .default('http://localhost:8333'),
      region: z.string().min(1).default('us-east-1'),
      bucket: z.string().min(3).max(63).default('incremental-training'),
      /** Where s3:// sources are, when that is another server than the store's; `aws`: AWS itself. */
      source_endpoint: z
        .union([z.literal('aws'), z.url({ protocol: /^https?$/ })])
        .refine((url) => !url.includes('@'), {
          message: 'credentials come from RETRAIN_SOURCE_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY',
        })
        .nullable()
        .default(null),
    })
    .prefault({}),
});

const fileSchema = localSchema.extend({
  data: z.unknown().optional(),
  split: z.unknown().optional(),
  preprocess: z.unknown().optional(),
  model: z.unknown().optional(),
});

/** Where things are: this process's own, never pinned into a run. */
export interface Config {
  /** The pipeline a run belongs to when it names none. */
  pipeline: string;
  storage: BucketOptions;
  /** Where s3:// sources are, and within which bounds sources are read. */
  sources: Pick<SourcePlace, 's3' | 'limits'>;
  /** `uri` is a server's, or `file:///…` for a directory. */
  tracking: {
    uri: string;
    experimentName: string;
    auth: TrackingAuth | undefined;
    onUnavailable: 'retry' | 'defer';
  };
  /** Base URL of Temporal's Web UI, for links. */
  temporalUi: string;
  /** Where runs are started, and the worker takes them from. */
  taskQueue: string;
  /** The pinnable half of params.yaml, as it stands in the file. */
  params: Record<string, unknown>;
}

/**
 * The project folder, where params.yaml and .stack/ are: RETRAIN_ROOT, or that of the program, which
 * when built lies in dist/ inside it.
 */
export function projectRoot(programUrl: string, env: NodeJS.ProcessEnv = process.env): string {
  const here = dirname(fileURLToPath(programUrl));
  return env['RETRAIN_ROOT'] ?? (basename(here) === 'dist' ? dirname(here) : here);
}

/** Where the local stack of a project keeps its state. */
export function stackDir(root: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['RETRAIN_STACK_DIR'] ?? join(root, '.stack'));
}

/**
 * Reads params.yaml of the project folder and the environment, which wins.
 * @throws BadParams when the file is not YAML or holds an unknown or ill-typed key.
 */
export function loadConfig(root: string, env: NodeJS.ProcessEnv = process.env): Config {
  const file = parseParams(fileSchema, readParamsFile(root), 'params.yaml');
  const { schema: _, pipeline, mlflow, tracking, storage, ...params } = file;
  parseParams(paramsSchema, params, 'params.yaml');
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? storage.endpoint;
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? storage.region;
  const bucket = env['RETRAIN_BUCKET'] ?? storage.bucket;
  const idleMs = idleFrom(env['RETRAIN_S3_IDLE_MS']);
  const own = { endpoint: endpoint ?? undefined, region, bucket, idleMs };
  return {
    pipeline,
    storage: own,
    sources: { s3: sourceServer(own, storage.source_endpoint, env), limits: limitsFromEnv(env) },
    tracking: {
      uri: trackingUri(env['MLFLOW_TRACKING_URI'] ?? mlflow.tracking_uri, resolve(root)),
      experimentName: env['MLFLOW_EXPERIMENT_NAME'] ?? mlflow.experiment_name,
      auth: authFromEnv(env),
      onUnavailable: tracking.on_unavailable,
    },
    temporalUi: env['TEMPORAL_UI_URL'] ?? 'http://localhost:8233',
    taskQueue: env['RETRAIN_TASK_QUEUE'] || TASK_QUEUE,
    params,
  };
}

/** The server of s3:// sources: the store's, unless another is configured; credentials go with it. */
function sourceServer(
  store: BucketOptions,
  configured: string | null,
  env: NodeJS.ProcessEnv,
): BucketOptions {
  const endpoint = env['RETRAIN_SOURCE_ENDPOINT_URL_S3'] ?? configured;
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

function idleFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const ms = Number(text);
  if (ms >= 100 && ms <= 3_600_000) return ms;
  throw new BadParams(`RETRAIN_S3_IDLE_MS is ${text}: milliseconds from 100 to an hour are needed`);
}

function readParamsFile(root: string): unknown {
  const path = join(root, 'params.yaml');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new BadParams(`${path} cannot be read (${messageOf(error)}): check its permissions`, {
      cause: error,
    });
  }
  try {
    return parse(text) ?? {};
  } catch (error) {
    const reason = messageOf(error).split('\n')[0] ?? '';
    throw new BadParams(`${path} is not YAML (${reason}): mend that line`, { cause: error });
  }
}
