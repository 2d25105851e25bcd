import type { Client, Connection } from '@temporalio/client';
import type { Config } from '../config/environment.ts';
import type { TemporalLocation } from '../config/connections.ts';
import type { Params } from '../contract/params.ts';
import { BadParams, SetupError, TrackingUnavailable } from '../contract/failures.ts';
import type { Store } from '../store/index.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { say } from './print.ts';
import { RETRAIN } from '../contract/command.ts';

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
 * The params of a run of the session's pipeline: `set` over those of a plain run.
 * @throws BadParams for params that no run can have
 */
export async function readParams(
  { config, store }: StoreSession,
  set: Record<string, unknown>,
): Promise<Params> {
  const { paramsOf } = await import('../pipeline/models/params.ts');
  const { plainParams } = await import('../sources/frozen.ts');
  return paramsOf(plainParams(config, await store.ledgers.read(config.pipeline)), set);
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

/** A server that is checked before a command begins. */
type Checked = 'temporal' | 'storage' | 'tracking';

const GRPC_NOT_FOUND = 5;

/**
 * Connects to the bucket, and checks that it answers. Temporal's client is not loaded.
 * @throws StorageUnavailable or StorageRefused
 */
export async function openStoreSession(config: Config): Promise<StoreSession> {
  const { openStore } = await import('../store/index.ts');
  const store = openStore(config.storage);
  const close = (): Promise<void> => Promise.resolve(store.bucket.close());
  try {
    await store.bucket.ensure();
    await refuseUnknown(config, store);
    return { config, store, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Connects, and checks the parts in `check` first, so that a command fails now instead of waiting for a server.
 * @throws SetupError, StorageUnavailable, StorageRefused, TrackingUnavailable or TrackingRefused
 */
export async function openSession(
  config: Config,
  { check }: { check: readonly Checked[] },
): Promise<Session> {
  const { Client: TemporalClient, Connection: TemporalConnection } =
    await import('@temporalio/client');
  const { readTemporalLocation } = await import('../config/connections.ts');
  const { openStore } = await import('../store/index.ts');
  const { openTracker } = await import('../tracking/open.ts');
  const store = openStore(config.storage);
  const { uri, auth } = config.tracking;
  const tracker = openTracker({ uri, auth });
  const location = readTemporalLocation();
  const { namespace } = location;
  const connection = TemporalConnection.lazy({
    connectTimeout: '20s',
    ...location.connectionOptions,
  });
  const checks = {
    temporal: () => checkTemporal(connection, location),
    storage: () => store.bucket.ensure(),
    tracking: () => checkTracking(config, tracker),
  };
  const close = async (): Promise<void> => {
    store.bucket.close();
    await connection.close();
  };
  try {
    await Promise.all(check.map((part) => checks[part]()));
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
): Promise<T> {
  const session = await openStoreSession(config);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Runs `use` with a {@link Session}, and closes it. */
export async function withSession<T>(
  config: Config,
  check: readonly Checked[],
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(config, { check });
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** A run that may defer its logging starts without the tracking server. */
async function checkTracking({ tracking }: Config, tracker: Tracker): Promise<void> {
  try {
    await tracker.check();
  } catch (error) {
    if (!(error instanceof TrackingUnavailable) || tracking.onUnavailable === 'retry') throw error;
    say(`${error.message}; the run goes on and is logged when it is back`, 'warning');
  }
}

async function checkTemporal(connection: Connection, location: TemporalLocation): Promise<void> {
  const { isGrpcServiceError } = await import('@temporalio/client');
  const { assertListening, noNamespace } = await import('../config/connections.ts');
  const { address, namespace } = location;
  try {
    await assertListening(address);
    await connection.ensureConnected();
  } catch (error) {
    throw new SetupError(
      `no Temporal server answers at ${address}: start it with "${RETRAIN} stack up", or set TEMPORAL_ADDRESS`,
      { cause: error },
    );
  }
  try {
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    // A client without the permission to ask may still start runs, so only NOT_FOUND counts.
    if (!isGrpcServiceError(error) || (error.code as number) !== GRPC_NOT_FOUND) return;
    throw noNamespace(location, error);
  }
}
