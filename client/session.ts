import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import type { Config } from '../config/environment.ts';
import { noNamespace, temporalPlace, type TemporalPlace } from '../config/connections.ts';
import { SetupError, TrackingUnavailable } from '../contract/failures.ts';
import { openStore, type Store } from '../store/index.ts';
import { openTracker } from '../tracking/open.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { say } from './print.ts';

const GRPC_NOT_FOUND = 5;

/** What a command that reaches the servers works with; close it when done. */
export interface Session {
  config: Config;
  client: Client;
  connection: Connection;
  store: Store;
  tracker: Tracker;
  namespace: string;
  close: () => Promise<void>;
}

/**
 * Connects, and checks at once that all three servers answer: better said now than by a run that waits.
 * @throws SetupError, StorageUnavailable, StorageRefused, TrackingUnavailable or TrackingRefused
 */
export async function openSession(
  config: Config,
  { check }: { check: ('temporal' | 'storage' | 'tracking')[] },
): Promise<Session> {
  const store = openStore(config.storage);
  const { uri, auth } = config.tracking;
  const tracker = openTracker({ uri, auth });
  const place = temporalPlace();
  const connection = Connection.lazy({ connectTimeout: '3s', ...place.connectionOptions });
  const checks = {
    temporal: () => reachTemporal(connection, place),
    storage: () => store.bucket.ensure(),
    tracking: () => checkTracking(config, tracker),
  };
  const close = async (): Promise<void> => {
    store.bucket.close();
    await connection.close();
  };
  try {
    await Promise.all(check.map((part) => checks[part]()));
  } catch (error) {
    await close();
    throw error;
  }
  const client = new Client({ connection, namespace: place.namespace });
  return { config, client, connection, store, tracker, namespace: place.namespace, close };
}

/** Runs that put logging off go on without a server. */
async function checkTracking({ tracking }: Config, tracker: Tracker): Promise<void> {
  try {
    await tracker.check();
  } catch (error) {
    if (!(error instanceof TrackingUnavailable) || tracking.onUnavailable === 'retry') throw error;
    say(`${error.message}; the run goes on and is logged when it is back`, 'warning');
  }
}

async function reachTemporal(connection: Connection, place: TemporalPlace): Promise<void> {
  const { address, namespace } = place;
  try {
    await connection.ensureConnected();
  } catch (error) {
    throw new SetupError(
      `no Temporal server answers at ${address}: start it with "npm run client -- stack up", or set TEMPORAL_ADDRESS`,
      { cause: error },
    );
  }
  try {
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    // Whoever may not ask may still run things: only its absence is an answer.
    if (!isGrpcServiceError(error) || (error.code as number) !== GRPC_NOT_FOUND) return;
    throw noNamespace(place, error);
  }
}
