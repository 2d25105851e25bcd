import { BadParams } from '../../contract/failures.ts';
import { noUrl, type TrackingAuth } from '../place.ts';

export interface Address {
  /** Scheme, host, port and path; no credentials, no trailing slash. */
  uri: string;
  /** The part before the `@`. */
  auth: TrackingAuth | undefined;
}

/**
 * Separates the credentials from a tracking URI. `fetch` refuses a URL that holds credentials, and the rest of
 * the URI can be shown. No message quotes the URI, because it may hold a password.
 * @throws BadParams when it is not an http(s) URL
 */
export function parseAddress(uri: string): Address {
  let url: URL;
  try {
    url = new URL(uri);
  } catch {
    throw noUrl();
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

/** Returns the value of the `Authorization` header. It must not be logged. */
export function authorization(auth: TrackingAuth): string {
  if ('token' in auth) return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}
