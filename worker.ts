import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { openPool } from './activities/compute.ts';
import { createActivities } from './activities/index.ts';
import { webhookOf } from './activities/notify.ts';
import { loadConfig, projectRoot, stackDir } from './config.ts';
import { temporalPlace } from './connect.ts';
import { messageOf, RetrainError, SetupError } from './errors.ts';
import { useStack } from './infra/stack.ts';
import { openStore } from './store/index.ts';
import { LocalCache } from './store/local-cache.ts';
import { partCacheOptions } from './store/part-cache.ts';
import { openTracker } from './tracking/open.ts';
import { serveHealth } from './worker/health.ts';
import { openLog, temporalLogger } from './worker/logger.ts';
import { probeSearchAttributes } from './worker/search-attributes.ts';
import { WORKER_HELP, workerSettings } from './worker/options.ts';
import { workflowSource } from './worker/workflow-source.ts';
import { createWorkers, runAll } from './worker/workers.ts';

const production = process.env['NODE_ENV'] === 'production';

const root = projectRoot(import.meta.url);

const log = openLog();

/** Connects, polls until SIGTERM or SIGINT, then drains: activities in flight get time to finish. */
async function main(): Promise<void> {
  const commit = gitCommit();
  const settings = workerSettings(process.argv.slice(2), process.env, commit);
  useStack(stackDir(root));
  Runtime.install({ logger: temporalLogger(log) });
  const config = loadConfig(root);
  const cache = join(stackDir(root), 'cache', 'parts');
  const store = openStore(config.storage, partCacheOptions(process.env, cache));
  const pool = openPool({ threads: settings.threads });
  const { uri, auth, experimentName } = config.tracking;
  const connection = await connect();
  const { namespace } = temporalPlace();
  const activities = createActivities({
    store,
    local: new LocalCache(join(root, '.retrain', 'cache')),
    tracker: openTracker({ uri, auth }),
    experimentName,
    deferTracking: config.tracking.onUnavailable === 'defer',
    compute: pool.compute,
    readConfig: () => loadConfig(root),
    root,
    sources: config.sources,
    gitCommit: commit,
    cpuTaskQueue: settings.cpuTaskQueue,
    searchAttributes: probeSearchAttributes(connection, namespace),
    webhook: webhookOf(process.env),
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

/** The first signal drains (the SDK listens for it); a second one means now. */
function exitOnSecondSignal(): void {
  log.info('draining; a second signal ends at once');
  const exit = (): never => process.exit(130);
  process.on('SIGTERM', exit).on('SIGINT', exit);
}

async function connect(): Promise<NativeConnection> {
  const { connectionOptions, address } = temporalPlace();
  try {
    return await NativeConnection.connect(connectionOptions);
  } catch (error) {
    throw new SetupError(
      `no Temporal server answers at ${address}: start it with "npm run client -- stack up", or set TEMPORAL_ADDRESS`,
      { cause: error },
    );
  }
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
    return undefined; // not a git checkout, or no git: a run then carries no commit
  }
}

try {
  if (process.argv.includes('--help')) process.stdout.write(WORKER_HELP);
  else await main();
} catch (error) {
  // A person reads this: a named failure is one sentence, anything else is ours to debug.
  if (error instanceof RetrainError) log.fatal(error.message);
  else log.fatal({ err: error }, messageOf(error));
  process.exitCode = 1;
}
