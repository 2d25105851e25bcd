import { connect } from 'node:net';
import { loadClientConnectConfig } from '@temporalio/envconfig';
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

/** How long the check of an address may take, in milliseconds. After that, the caller tries to connect anyway. */
const LOOK_MS = 2_000;

/**
 * Checks that a server listens at an address. gRPC does not report that soon: it tries to connect until its
 * deadline, which must be long, because a busy server may take seconds to accept.
 * @throws Error with the code ECONNREFUSED where nothing listens
 */
export async function assertListening(
  address: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const [, host, port] = /^(?:dns:\/{2,3})?([^:/]+):(\d+)$/.exec(address) ?? [];
  const viaProxy = ['grpc_proxy', 'https_proxy', 'http_proxy'].some((name) => env[name]);
  if (host === undefined || viaProxy) return;
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host, port: Number(port), timeout: LOOK_MS });
    const end = (): void => {
      socket.destroy();
      resolve();
    };
    socket.once('connect', end).once('timeout', end);
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNREFUSED' ? reject(error) : resolve(),
    );
  });
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
