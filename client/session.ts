import type { Client, Connection } from '@temporalio/client';
import type { Config } from '../config/environment.ts';
import type { TemporalLocation } from '../config/connections.ts';
import type { Params } from '../contract/params.ts';
import {
  BadParams,
  SetupError,
  StorageUnavailable,
  TrackingUnavailable,
} from '../contract/failures.ts';
import type { Store } from '../store/index.ts';
import type { Ledger } from '../store/ledger/ledger.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { say } from './print.ts';
import type { Server } from './reach.ts';

/** The connection of a command that reads only the store. Close it at the end. */
export interface StoreSession {
  config: Config;
  store: Store;
  close: () => Promise<void>;
}

/** The connections of a command to all servers. Close it at the end. */
export interface Session extends StoreSession {
  client: Client;
  connection: Connection;
  tracker: Tracker;
  namespace: string;
}

/**
 * The params of a run of the session's pipeline, `set` over those of a plain run, and the ledger that they depend on.
 * @throws BadParams for params that no run can have
 */
export async function readRunParams(
  { config, store }: StoreSession,
  set: Record<string, unknown>,
): Promise<{ params: Params; ledger: Ledger | undefined }> {
  const { makeRunParams } = await import('../sources/frozen.ts');
  const ledger = await store.ledgers.read(config.pipeline);
  return { params: makeRunParams(config, ledger, set), ledger };
}

/**
 * Refuses a pipeline that neither params.yaml nor the bucket has.
 * @throws BadParams that names the pipelines there are
 */
async function refuseUnknown({ pipeline, unlisted }: Config, { bucket }: Store): Promise<void> {
  if (unlisted === undefined) return;
  const { pipelinesIn } = await import('../store/index.ts');
  if (!(await pipelinesIn(bucket)).includes(pipeline)) throw new BadParams(unlisted);
}

const GRPC_NOT_FOUND = 5;

/**
 * Connects to the bucket, and checks that it answers. Temporal's client is not loaded.
 * @param untilItRuns wait also for a server that does not run, as one that restarts
 * @throws StorageUnavailable or StorageRefused
 */
export async function openStoreSession(
  config: Config,
  { untilItRuns = false } = {},
): Promise<StoreSession> {
  const { openStore } = await import('../store/index.ts');
  const store = openStore(config.storage, { pipeline: config.pipeline });
  const close = (): Promise<void> => Promise.resolve(store.bucket.close());
  try {
    const { endpoint } = config.storage;
    if (untilItRuns && endpoint !== undefined) {
      const { withPatience } = await import('./reach.ts');
      const ensure = (): Promise<void> => store.bucket.ensure();
      await withPatience('storage', endpoint, ensure, { untilItRuns, again: isUnavailable });
    } else await store.bucket.ensure();
    await refuseUnknown(config, store);
    return { config, store, close };
  } catch (error) {
    await close();
    const { nameAllDown } = await import('./reach.ts');
    const { isRefused } = await import('../config/connections.ts');
    // When the local stack is down, credentials are missing too, and that error comes first.
    const isDown = isUnavailable(error) || (await isRefused(config.storage.endpoint ?? ''));
    throw isDown ? await nameAllDown(config, [error], ['storage']) : error;
  }
}

/** Whether a server did not answer, so that another attempt may succeed. */
function isUnavailable(error: unknown): boolean {
  return error instanceof StorageUnavailable || error instanceof TrackingUnavailable;
}

/** The servers that a command checks before it begins. */
export interface Checks {
  check: readonly Server[];
  /** Wait also for a server that does not run, as one that restarts. */
  untilTheyRun?: boolean;
}

/**
 * Connects, and checks the parts in `check` first, so that a command fails now instead of waiting for a server. A busy
 * server gets 30 s.
 * @throws SetupError, StorageUnavailable, StorageRefused, TrackingUnavailable or TrackingRefused
 */
export async function openSession(
  config: Config,
  { check, untilTheyRun: untilItRuns = false }: Checks,
): Promise<Session> {
  const { Client: TemporalClient, Connection: TemporalConnection } =
    await import('@temporalio/client');
  const { readTemporalLocation } = await import('../config/connections.ts');
  const { openStore } = await import('../store/index.ts');
  const { openTracker } = await import('../tracking/open.ts');
  const store = openStore(config.storage, { pipeline: config.pipeline });
  const { uri, auth } = config.tracking;
  const tracker = openTracker({ uri, auth });
  const location = readTemporalLocation();
  const { namespace } = location;
  const { listServers, nameAllDown, withPatience } = await import('./reach.ts');
  const { PATIENCE_MS } = await import('../config/connections.ts');
  const connection = TemporalConnection.lazy({
    connectTimeout: PATIENCE_MS,
    ...location.connectionOptions,
  });
  const checks: Record<Server, () => Promise<void>> = {
    temporal: () => checkTemporal(connection, location),
    storage: () => store.bucket.ensure(),
    tracking: () => checkTracking(config, tracker),
  };
  const addresses = listServers(config);
  const checkOne = (server: Server): Promise<void> => {
    const address = addresses[server];
    const again = server === 'temporal' ? isNotRunning : isUnavailable;
    return address === undefined
      ? checks[server]()
      : withPatience(server, address, checks[server], { untilItRuns, again });
  };
  const close = async (): Promise<void> => {
    store.bucket.close();
    await connection.close();
  };
  const checked = await Promise.allSettled(check.map(checkOne));
  const failures = checked.flatMap((one): unknown[] =>
    one.status === 'rejected' ? [one.reason] : [],
  );
  if (failures.length > 0) {
    await close();
    throw await nameAllDown(config, failures, check);
  }
  try {
    await refuseUnknown(config, store);
  } catch (error) {
    await close();
    throw error;
  }
  const client = new TemporalClient({ connection, namespace });
  return { config, client, connection, store, tracker, namespace, close };
}

/** Runs `use` with a {@link StoreSession}, and closes it. */
export async function withStoreSession<T>(
  config: Config,
  use: (session: StoreSession) => Promise<T>,
  options?: Parameters<typeof openStoreSession>[1],
): Promise<T> {
  const session = await openStoreSession(config, options);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Runs `use` with a {@link Session}, and closes it. */
export async function withSession<T>(
  config: Config,
  checks: Checks | Checks['check'],
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(config, 'check' in checks ? checks : { check: checks });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** A run that may defer its logging starts without the tracking server, and so does one whose local MLflow is starting. */
async function checkTracking(config: Config, tracker: Tracker): Promise<void> {
  const { tracking } = config;
  try {
    await tracker.check();
  } catch (error) {
    if (error instanceof TrackingUnavailable && (await isLocalMlflowStarting(config))) {
      say('MLflow is still starting: the run begins, and its logging waits for MLflow');
      return;
    }
    if (!(error instanceof TrackingUnavailable) || tracking.onUnavailable === 'retry') throw error;
    say(`${error.message}; the run continues, and is logged when MLflow is back`, 'warning');
  }
}

/** Where the tracking server is, and the local stack. */
export type LocalTracking = Pick<Config, 'stackDir'> & {
  tracking: Pick<Config['tracking'], 'uri'>;
};

/** Whether the tracking server is the local stack's, and was started a short time ago. */
export async function isLocalMlflowStarting({
  stackDir,
  tracking,
}: LocalTracking): Promise<boolean> {
  const { readStackState } = await import('../infra/stack-folder.ts');
  const { findProcess } = await import('../infra/process.ts');
  const { MLFLOW_START_MS } = await import('../infra/parts/mlflow.ts');
  const { port } = URL.canParse(tracking.uri) ? new URL(tracking.uri) : { port: '' };
  if (port !== String(readStackState(stackDir)?.ports.mlflow)) return false;
  const started = findProcess(stackDir, 'mlflow');
  return started !== undefined && Date.parse(started.since) + MLFLOW_START_MS > Date.now();
}

/** Whether nothing listens at Temporal's address. The connection itself waits for a busy server. */
function isNotRunning(error: unknown): boolean {
  return error instanceof SetupError && error.details['refused'] === true;
}

async function checkTemporal(connection: Connection, location: TemporalLocation): Promise<void> {
  const { isGrpcServiceError } = await import('@temporalio/client');
  const { isRefused, noNamespace, makeTemporalError, PATIENCE_MS, SLOW_MS } =
    await import('../config/connections.ts');
  const { address, namespace } = location;
  if (await isRefused(address)) throw makeTemporalError(address, true);
  const slow = setTimeout(
    () => say(`Temporal at ${address} is slow: waiting for its answer`),
    SLOW_MS,
  );
  try {
    await connection.ensureConnected();
  } catch (error) {
    throw makeTemporalError(address, await isRefused(address), error);
  } finally {
    clearTimeout(slow);
  }
  try {
    await connection.withDeadline(Date.now() + PATIENCE_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    // A client without the permission to ask may still start runs, so only NOT_FOUND counts.
    if (!isGrpcServiceError(error) || (error.code as number) !== GRPC_NOT_FOUND) return;
    throw noNamespace(location, error);
  }
}
