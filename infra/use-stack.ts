import { stackAddresses } from './addresses.ts';
import { readCredentials } from './credentials.ts';
import { DEFAULT_PORTS, type Ports } from './ports.ts';
import { readState } from './state.ts';

/** Which port each address holds. */
const PORT_OF: Record<string, keyof Ports> = {
  TEMPORAL_ADDRESS: 'temporal',
  TEMPORAL_UI_URL: 'ui',
  AWS_ENDPOINT_URL_S3: 's3',
  MLFLOW_TRACKING_URI: 'mlflow',
};

/** Where params.yaml may name a place that a variable must not take from it, a name that yields to it. */
const YIELDING: Record<string, string> = {
  MLFLOW_TRACKING_URI: 'RETRAIN_STACK_MLFLOW_URI',
};

/**
 * Lets the local stack in `dir` supply what the environment does not say: its S3 credentials, and the
 * addresses of parts that are not on their usual ports (those on them are params.yaml's to name).
 * Where no stack was ever started, nothing.
 */
export function useStack(dir: string, env: NodeJS.ProcessEnv = process.env): void {
  const state = readState(dir);
  if (state === undefined) return;
  for (const [name, address] of Object.entries(stackAddresses(state.ports))) {
    const port = PORT_OF[name];
    if (port !== undefined && state.ports[port] !== DEFAULT_PORTS[port])
      env[YIELDING[name] ?? name] ??= address;
  }
  if (env['AWS_ACCESS_KEY_ID'] === undefined && env['AWS_PROFILE'] === undefined)
    Object.assign(env, readCredentials(dir));
}
