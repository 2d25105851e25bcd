import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { BadParams, messageOf } from './errors.ts';

/** Options for a connection and the namespace that goes with it. */
export interface TemporalPlace {
  connectionOptions: ReturnType<typeof loadClientConnectConfig>['connectionOptions'];
  address: string;
  namespace: string;
}

/**
 * Where Temporal is, by its own environment configuration: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
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
      `Temporal's environment configuration cannot be read (${messageOf(error)}): mend TEMPORAL_* or its config file`,
      { cause: error },
    );
  }
}

/**
 * Lets the local stack supply S3 credentials where the environment has none: it keeps them in a file
 * of its own that only its user can read.
 */
export function useStackCredentials(root: string, env: NodeJS.ProcessEnv = process.env): void {
  if (env['AWS_ACCESS_KEY_ID'] !== undefined || env['AWS_PROFILE'] !== undefined) return;
  const path = join(env['RETRAIN_STACK_DIR'] ?? join(root, '.stack'), 'credentials');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return; // no local stack: the AWS chain decides
  }
  for (const line of text.split('\n')) {
    const [, name, value] = /^(AWS_[A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) env[name] = value;
  }
}
