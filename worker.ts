import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { openPool } from './compute/pool.ts';
import { createActivities } from './activities/index.ts';
import { readWebhook } from './activities/notify.ts';
import { loadConfig, loadConfigs, type Config } from './config/environment.ts';
import { projectRoot, stackDir } from './config/project-root.ts';
import { noNamespace, readTemporalLocation } from './config/connections.ts';
import { escapeControls } from './contract/controls.ts';
import { BadParams, messageOf, RetrainError, SetupError } from './contract/failures.ts';
import { useStack } from './infra/stack-folder.ts';
import { openStore } from './store/index.ts';
import { LocalCache } from './store/local-cache.ts';
import { cacheOptions } from './store/part-cache.ts';
import { serveHealth } from './worker/health.ts';
import { openLog, temporalLogger } from './worker/logger.ts';
import { probeSearchAttributes, openTrackings } from './worker/activity-deps.ts';
import { sweepLeft } from './worker/sweep.ts';
import { WORKER_HELP, workerSettings } from './worker/options.ts';
import { createWorkers, runAll, workflowSource } from './worker/workers.ts';
import { RETRAIN } from './contract/command.ts';

const production = process.env['NODE_ENV'] === 'production';

const root = projectRoot(import.meta.url);

const log = openLog();

/** The gRPC status NOT_FOUND. */
const NOT_FOUND = 5;

/** Connects and polls until SIGTERM or SIGINT, then drains: running activities get time to finish. */
async function main(): Promise<void> {
  const commit = gitCommit();
  const settings = workerSettings(process.argv.slice(2), process.env, commit);
  useStack(stackDir(root));
  Runtime.install({
    logger: temporalLogger(log),
    // Without this, the SDK's core writes to stderr itself, in colour, instead of to our log.
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } },
  });
  const { folder, most } = cacheOptions(process.env, join(root, '.retrain', 'cache'));
  const local = new LocalCache(folder, { most });
  void sweepLeft(root, local, log); // in the background, because it can take long
  const configs = loadConfigs(root);
  const config = configs();
  const store = openStore(config.storage, most === 0 ? undefined : local);
  const pool = openPool({ threads: settings.threads });
  const connection = await connect();
  const { namespace } = readTemporalLocation();
  const activities = createActivities({
    store,
    local,
    trackingOf: openTrackings((pipeline) => configOf(configs, pipeline)),
    compute: pool.compute,
    readConfig: (pipeline) => loadConfig(root, process.env, pipeline),
    root,
    sources: config.sources,
    gitCommit: commit,
    temporal: { webUi: config.temporalUi, namespace },
    cpuTaskQueue: settings.cpuTaskQueue,
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
  const port = Number(process.env['RETRAIN_HEALTH_PORT'] ?? 0);
  const health =
    port > 0
      ? await serveHealth(port, () => {
          const states = workers.map((worker) => worker.getState());
          const state = states.find((one) => one !== 'RUNNING') ?? 'RUNNING';
          return { ready: state === 'RUNNING', state };
        })
      : undefined;
  process.once('SIGTERM', exitOnSecondSignal).once('SIGINT', exitOnSecondSignal);
  const { role, taskQueue, cpuTaskQueue, deployment } = settings;
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
    return loadConfig(root, process.env, pipeline);
  }
}

/** The first signal drains, because the SDK listens for it. The second ends the process at once. */
function exitOnSecondSignal(): void {
  log.info('draining; a second signal ends at once');
  const exit = (): never => process.exit(130);
  process.on('SIGTERM', exit).on('SIGINT', exit);
}

async function connect(): Promise<NativeConnection> {
  const location = readTemporalLocation();
  const { connectionOptions, address, namespace } = location;
  let connection: NativeConnection;
  try {
    connection = await NativeConnection.connect(connectionOptions);
  } catch (error) {
    throw new SetupError(
      `no Temporal server answers at ${address}: start it with "${RETRAIN} stack up", or set TEMPORAL_ADDRESS`,
      { cause: error },
    );
  }
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    // A worker without the permission to ask may still work, so only NOT_FOUND counts.
    if ((error as { code?: unknown }).code === NOT_FOUND) throw noNamespace(location, error);
  }
  return connection;
}

function gitCommit(): string | undefined {
  const given = process.env['GIT_COMMIT'] ?? '';
  if (given !== '') return given;
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: root,
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
  if (error instanceof BadParams) process.stderr.write(`error: ${escapeControls(error.message)}\n`);
  else if (error instanceof RetrainError) log.fatal(error.message);
  else log.fatal({ err: error }, messageOf(error));
  process.exitCode = error instanceof BadParams ? 2 : 1;
}
