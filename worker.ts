import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { say } from './client/print.ts';
import { trainThreads } from './compute/helpers.ts';
import { openPool } from './compute/pool.ts';
import { createActivities } from './activities/index.ts';
import { readWebhook } from './activities/notify.ts';
import { loadConfigs, loadRunConfig, type Config } from './config/environment.ts';
import { readParams } from './config/params-file.ts';
import { projectRoot, stackDir, findWorkFolders } from './config/project-root.ts';
import {
  isRefused,
  noNamespace,
  makeTemporalError,
  PATIENCE_MS,
  readTemporalLocation,
  tryPatiently,
  type TemporalLocation,
} from './config/connections.ts';
import { readEnvNumber } from './contract/env.ts';
import { BadParams, messageOf, RetrainError } from './contract/failures.ts';
import { useStack } from './infra/stack-folder.ts';
import { openStore } from './store/index.ts';
import { LocalCache } from './store/local-cache.ts';
import { withScratch } from './store/own-folder.ts';
import { readCacheSize } from './store/part-cache.ts';
import { serveHealth } from './worker/health.ts';
import { openLog, readLogLevel, temporalLogger } from './worker/logger.ts';
import { probeSearchAttributes, openTrackings } from './worker/activity-deps.ts';
import { sweepLeft } from './worker/sweep.ts';
import { type WorkerSettings, WORKER_HELP, workerSettings } from './worker/options.ts';
import { createWorkers, runAll, sumSecondsToStop, workflowSource } from './worker/workers.ts';

const production = process.env['NODE_ENV'] === 'production';

const root = projectRoot(import.meta.url);

const log = openLog();

/** Without a port, the worker serves no health. */
const NO_PORT = { otherwise: 0, least: 0, most: 65_535, what: 'a port' };

/** The gRPC status NOT_FOUND. */
const NOT_FOUND = 5;

/** Connects and polls until SIGTERM or SIGINT, then drains: running activities get time to finish. */
async function main(): Promise<void> {
  log.level = readLogLevel(process.env);
  const commit = gitCommit();
  const settings = workerSettings(process.argv.slice(2), process.env, commit);
  const { role, taskQueue, cpuTaskQueue, deployment } = settings;
  const healthPort = readEnvNumber(process.env, 'RETRAIN_HEALTH_PORT', NO_PORT);
  trainThreads(); // a wrong number is reported now, and not by the first fit
  const stopping = endInTime(settings);
  useStack(stackDir(root));
  Runtime.install({
    logger: temporalLogger(log),
    // Without this, the SDK's core writes to stderr itself, in colour, instead of to our log.
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
  const { scratch, cache } = findWorkFolders(root);
  await withScratch({ scratch }, async () => undefined); // a folder that cannot be written is reported now
  const most = readCacheSize(process.env);
  const local = new LocalCache(cache, { most });
  void sweepLeft([scratch, tmpdir(), stackDir(root)], local, log); // in the background, because it can take long
  const configs = loadConfigs(root);
  const config = configs();
  for (const wrong of readParams(root).findWrongSections())
    log.warn(`correct this before the next run: ${messageOf(wrong)}`);
  const store = openStore(config.storage, most === 0 ? {} : { kept: local });
  const pool = openPool({ threads: settings.threads });
  const connection = await connect();
  const { namespace } = readTemporalLocation();
  const activities = createActivities({
    store,
    local,
    trackingOf: openTrackings((pipeline) => configOf(configs, pipeline)),
    compute: pool.compute,
    readConfig: (pipeline) => loadRunConfig(root, process.env, pipeline),
    root,
    scratch,
    sources: config.sources,
    gitCommit: commit,
    temporal: { webUi: config.temporalUi, namespace },
    cpuTaskQueue: settings.cpuTaskQueue,
    heartbeatTimeout: settings.heartbeatTimeout,
    searchAttributes: probeSearchAttributes(connection, namespace),
    webhook: readWebhook(process.env),
  });
  const workers = await createWorkers(
    {
      connection,
      namespace,
      activities,
      workflows: workflowSource({ production }),
    },
    settings,
  );
  const health =
    healthPort > 0
      ? await serveHealth(healthPort, () => {
          const states = workers.map((worker) => worker.getState());
          const state = states.find((one) => one !== 'RUNNING') ?? 'RUNNING';
          return { ready: state === 'RUNNING', state };
        })
      : undefined;
  stopping.drainFirst();
  log.info({ role, taskQueue, cpuTaskQueue, deployment, pid: process.pid }, 'worker starts');
  try {
    await runAll(workers);
  } finally {
    health?.close();
    await pool.close();
    store.bucket.close();
    await connection.close();
  }
}

/** The settings in params.yaml when this worker started. A pipeline that was added later is read from the present file. */
function configOf(configs: (pipeline?: string) => Config, pipeline?: string): Config {
  try {
    return configs(pipeline);
  } catch (error) {
    if (!(error instanceof BadParams)) throw error;
    return loadRunConfig(root, process.env, pipeline);
  }
}

/**
 * Ends the process after SIGTERM or SIGINT in a bounded time, whatever the servers do. While the worker starts, the
 * first signal ends it at once. Once it polls, the first signal drains, because the SDK listens for it, and the
 * second ends it at once.
 */
function endInTime(settings: WorkerSettings): { drainFirst: () => void } {
  let drains = false;
  const exit = (): never => process.exit(130);
  const stop = (): void => {
    if (!drains) exit();
    const seconds = sumSecondsToStop(settings);
    log.info(
      'draining: running activities get %d s, and the process ends after %d s at most; a second signal ends it at once',
      settings.shutdownGrace,
      seconds,
    );
    process.on('SIGTERM', exit).on('SIGINT', exit);
    setTimeout(() => {
      log.error(
        'not drained after %d s, as it may be when Temporal does not answer: ends now',
        seconds,
      );
      process.exit(1);
    }, seconds * 1_000).unref();
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  return { drainFirst: () => void (drains = true) };
}

async function connect(): Promise<NativeConnection> {
  const location = readTemporalLocation();
  const { namespace } = location;
  const connection = await connectPatiently(location);
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    // A worker without the permission to ask may still work, so only NOT_FOUND counts.
    if ((error as { code?: unknown }).code === NOT_FOUND) throw noNamespace(location, error);
  }
  return connection;
}

/** Tries for 30 s, because a busy server, or one that starts with the worker, is not a dead one. */
async function connectPatiently({
  connectionOptions,
  address,
}: TemporalLocation): Promise<NativeConnection> {
  try {
    return await tryPatiently(
      () => NativeConnection.connect(connectionOptions),
      () => true,
      () =>
        log.info(
          'Temporal at %s does not answer yet: trying for %d s',
          address,
          PATIENCE_MS / 1_000,
        ),
    );
  } catch (error) {
    throw makeTemporalError(address, await isRefused(address), error);
  }
}

function gitCommit(): string | undefined {
  const given = process.env['GIT_COMMIT'] ?? '';
  if (given !== '') return given;
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: import.meta.dirname, // the program's folder: RETRAIN_ROOT may hold other code or none
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined; // not a git checkout, or no git: the run then has no commit
  }
}

try {
  if (process.argv.includes('--help')) process.stdout.write(WORKER_HELP);
  else await main();
} catch (error) {
  // A named failure is one sentence for a person. Any other error is a bug and is logged with its stack.
  if (error instanceof BadParams) say(error.message, 'error');
  else if (error instanceof RetrainError) log.fatal(error.message);
  else log.fatal({ err: error }, messageOf(error));
  // The SDK's runtime would keep the process alive, deaf to SIGTERM.
  process.exit(error instanceof BadParams ? 2 : 1);
}
