import { SetupError } from '../contract/failures.ts';
import { readCredentials, type Credentials } from './credentials.ts';
import type { Ports } from './ports.ts';
import { readState } from './state.ts';

/** Where the stack's servers are, as the variables that clients read. */
export interface StackAddresses {
  TEMPORAL_ADDRESS: string;
  TEMPORAL_NAMESPACE: string;
  TEMPORAL_UI_URL: string;
  AWS_ENDPOINT_URL_S3: string;
  AWS_REGION: string;
  MLFLOW_TRACKING_URI: string;
}

export type StackEnv = StackAddresses & Credentials;

/** Addresses for a stack on these ports. */
export function stackAddresses(ports: Ports): StackAddresses {
  return {
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    TEMPORAL_NAMESPACE: 'default',
    TEMPORAL_UI_URL: `http://localhost:${ports.ui}`,
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${ports.s3}`,
    AWS_REGION: 'us-east-1',
    MLFLOW_TRACKING_URI: `http://127.0.0.1:${ports.mlflow}`,
  };
}

/**
 * The variables with which a client reaches the stack in `dir`, credentials among them: for a child's
 * environment or `process.env`, never for a log.
 * @throws SetupError when no stack was ever started there.
 */
export function stackEnv(dir: string): StackEnv {
  const state = readState(dir);
  if (state === undefined) throw new SetupError(`there is no stack in ${dir}: start it first`);
  return { ...stackAddresses(state.ports), ...readCredentials(dir) };
}
