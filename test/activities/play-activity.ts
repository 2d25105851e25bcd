import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { openPool } from '../../compute/pool.ts';
import { createActivities } from '../../activities/index.ts';
import type { Activities } from '../../contract/activities.ts';
import { limitsFromEnv } from '../../sources/source.ts';
import { openStore } from '../../store/index.ts';
import { LocalCache } from '../../store/local-cache.ts';
import { createMlflowTracker } from '../../tracking/mlflow/tracker.ts';
import { activityInterceptor } from '../../worker/activity-interceptor.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';

export type ActivityName = keyof Activities;

/** Activities as a worker has them, on the test stack's servers, without a Temporal around them. */
export interface PlayedActivities {
  /** The ways to the servers. */
  s3: Proxy;
  mlflow: Proxy;
  play: (name: ActivityName, request: unknown, run?: OfRun) => Played;
  /** What an activity answers that is left in peace. Like a worker, it tries again when a server was slow to answer. */
  answer: <Name extends ActivityName>(
    name: Name,
    request: unknown,
  ) => Promise<Awaited<ReturnType<Activities[Name]>>>;
  close: () => Promise<void>;
}

/** A workflow's run that an activity is played for, and the Temporal that knows of it. */
export interface OfRun {
  client: Client;
  workflowId: string;
  runId: string;
}

/** An activity under way. */
export interface Played {
  environment: MockActivityEnvironment;
  /** Resolves at its first heartbeat. */
  alive: Promise<unknown>;
  /** What it answers, or the failure that Temporal would record. */
  ended: Promise<unknown>;
}

/** How long a server may be silent before it is given up: longer than it takes to a heartbeat. */
const SILENCE_MS = 900;
const MOST_TRIES = 5;

/** @param webhook where the ends of runs are posted */
export async function openActivities(pipeline: string, webhook: URL): Promise<PlayedActivities> {
  const s3 = await openProxy(process.env['AWS_ENDPOINT_URL_S3']!);
  const mlflow = await openProxy(process.env['MLFLOW_TRACKING_URI']!);
  const root = mkdtempSync(join(tmpdir(), 'retrain alone '));
  const where = { endpoint: s3.uri, region: 'us-east-1', bucket: pipeline, idleMs: SILENCE_MS };
  const store = openStore(where);
  const pool = openPool({ threads: 1 });
  const tracker = createMlflowTracker({ uri: mlflow.uri, timeoutMs: SILENCE_MS });
  const activities = createActivities({
    store,
    local: new LocalCache(join(root, 'cache')),
    trackingOf: () => ({ tracker, experimentName: pipeline, modelName: pipeline }),
    compute: pool.compute,
    readConfig: () => ({
      pipeline,
      params: {},
      ownParams: {},
      unlisted: undefined,
      nightly: { onQuarantine: 'warn' },
    }),
    root,
    scratch: join(root, 'scratch'),
    sources: { s3: where, limits: limitsFromEnv({}) },
    gitCommit: undefined,
    temporal: { webUi: 'http://localhost:8233', namespace: 'default' },
    webhook,
  });
  let runs = 0;
  const play: PlayedActivities['play'] = (name, request, run) => {
    const environment = new MockActivityEnvironment(
      {
        activityType: name,
        activityId: name,
        // Another run for each: what one has leased does not spare the next a request.
        workflowExecution: {
          workflowId: run?.workflowId ?? pipeline,
          runId: run?.runId ?? `run-${runs++}`,
        },
      },
      {
        ...(run === undefined ? {} : { client: run.client }),
        interceptors: [(context) => ({ inbound: activityInterceptor(context) })],
        logger: new DefaultLogger('ERROR', () => undefined),
      },
    );
    const alive = new Promise((resolve) => environment.once('heartbeat', resolve));
    const activity = activities[name] as (request: unknown) => Promise<unknown>;
    return { environment, alive, ended: environment.run(activity, request) };
  };
  return {
    s3,
    mlflow,
    play,
    answer: async (name, request) => {
      for (let tries = 1; ; tries++)
        try {
          return (await play(name, request).ended) as never;
        } catch (error) {
          const isAway = error instanceof ApplicationFailure && error.nonRetryable === false;
          if (!isAway || tries === MOST_TRIES) throw error;
        }
    },
    close: async () => {
      await pool.close();
      store.bucket.close();
      for (const proxy of [s3, mlflow]) proxy.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
