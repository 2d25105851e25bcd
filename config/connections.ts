import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { RETRAIN } from '../contract/command.ts';
import { BadParams, messageOf, SetupError } from '../contract/failures.ts';

/** The options of a connection and its namespace. */
export interface TemporalLocation {
  connectionOptions: ReturnType<typeof loadClientConnectConfig>['connectionOptions'];
  address: string;
  namespace: string;
}

/**
 * Reads where Temporal is from its standard environment configuration: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
 * TEMPORAL_TLS_*, TEMPORAL_API_KEY, TEMPORAL_PROFILE and its config file.
 * https://docs.temporal.io/develop/environment-configuration
 */
export function readTemporalLocation(): TemporalLocation {
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig();
    return {
      connectionOptions,
      address: connectionOptions.address ?? 'localhost:7233',
      namespace: namespace ?? 'default',
    };
  } catch (error) {
    throw new BadParams(
      `Temporal's environment configuration cannot be read (${messageOf(error)}): correct TEMPORAL_* or the config file`,
      { cause: error },
    );
  }
}

/** How long a server that runs may take to answer, in milliseconds: a busy machine takes seconds even to accept. */
export const PATIENCE_MS = 30_000;

/** The time between two tries. */
const PAUSE_MS = 1_000;

/**
 * Tries again while a server is busy, for at most {@link PATIENCE_MS} in all. Then it throws the last error.
 * @param again whether another try can help after this error
 * @param announce is called once, before the second try
 */
export async function tryPatiently<T>(
  attempt: () => Promise<T>,
  again: (error: unknown) => boolean | Promise<boolean>,
  announce: () => void,
): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(await again(error)) || Date.now() > end) throw error;
      if (tries === 1) announce();
      await sleep(PAUSE_MS);
    }
  }
}

/** After this time a person reads that a server is slow. */
export const SLOW_MS = 3_000;

/** How long the check of an address may take, in milliseconds. */
const LOOK_MS = 2_000;

/**
 * Whether nothing listens at an address, `host:port` or a URL. gRPC does not report that soon: it tries to connect until
 * its deadline. False where it cannot be known, behind a proxy or for a slow host.
 */
export async function isRefused(
  address: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<boolean> {
  const [, host, port] = /^(?:dns:\/{2,3}|https?:\/\/)?([^:/@]+):(\d+)\/?$/.exec(address) ?? [];
  const viaProxy = ['grpc_proxy', 'https_proxy', 'http_proxy'].some((name) => env[name]);
  if (host === undefined || viaProxy) return false;
  return new Promise<boolean>((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: LOOK_MS });
    const end = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once('connect', () => end(false)).once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}

/** The error for a Temporal server that does not answer: either none runs there, or it is too busy. */
export function makeTemporalError(address: string, refused: boolean, cause?: unknown): SetupError {
  return new SetupError(
    refused
      ? `no Temporal server answers at ${address}: start it with "${RETRAIN} stack up", or set TEMPORAL_ADDRESS`
      : `Temporal at ${address} did not answer within ${PATIENCE_MS / 1_000} s (${messageOf(cause)}): try again when the machine is less busy, or check TEMPORAL_ADDRESS`,
    { cause, details: { refused } },
  );
}

/** The error for a namespace that does not exist. */
export function noNamespace(
  { address, namespace }: Pick<TemporalLocation, 'address' | 'namespace'>,
  cause: unknown,
): SetupError {
  return new SetupError(
    `Temporal at ${address} has no namespace ${namespace}: create it with "temporal operator namespace create -n ${namespace}", or set TEMPORAL_NAMESPACE`,
    { cause },
  );
}
