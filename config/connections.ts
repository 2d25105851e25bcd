import { loadClientConnectConfig } from '@temporalio/envconfig';
import { BadParams, messageOf, SetupError } from '../contract/failures.ts';

/** The options of a connection and its namespace. */
export interface TemporalPlace {
  connectionOptions: ReturnType<typeof loadClientConnectConfig>['connectionOptions'];
  address: string;
  namespace: string;
}

/**
 * Reads where Temporal is from its standard environment configuration: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
 * TEMPORAL_TLS_*, TEMPORAL_API_KEY, TEMPORAL_PROFILE and its config file.
 * https://docs.temporal.io/develop/environment-configuration
 */
export function temporalPlace(): TemporalPlace {
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

/** The error for a namespace that does not exist. */
export function noNamespace(
  { address, namespace }: Pick<TemporalPlace, 'address' | 'namespace'>,
  cause: unknown,
): SetupError {
  return new SetupError(
    `Temporal at ${address} has no namespace ${namespace}: create it with "temporal operator namespace create -n ${namespace}", or set TEMPORAL_NAMESPACE`,
    { cause },
  );
}
