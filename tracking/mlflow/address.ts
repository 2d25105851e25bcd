import { BadParams } from '../../contract/failures.ts';
import type { TrackingAuth } from '../place.ts';

export interface Address {
  /** Scheme, host, port and path; no credentials, no trailing slash. */
  uri: string;
  /** The part before the `@`. */
  auth: TrackingAuth | undefined;
}

/**
 * Takes a tracking URI apart: `fetch` refuses a URL with credentials in it, and what is left can be
 * shown to anyone. Neither message quotes the URI itself, which may hold a password.
 */
export function parseAddress(uri: string): Address {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw new BadParams(
      'mlflow.tracking_uri is not a URL: write it like http://localhost:5000, in params.yaml or MLFLOW_TRACKING_URI',
    );
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new BadParams(
      `mlflow.tracking_uri starts with "${url.protocol}", which is no MLflow server: write it like http://localhost:5000, in params.yaml or MLFLOW_TRACKING_URI`,
    );
  return {
    uri: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    auth:
      url.username === ''
        ? undefined
        : {
            username: decodeURIComponent(url.username),
            password: decodeURIComponent(url.password),
          },
  };
}

/** The `Authorization` header's value. Never to be logged. */
export function authorization(auth: TrackingAuth): string {
  if ('token' in auth) return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}
