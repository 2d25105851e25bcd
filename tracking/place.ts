import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BadParams, messageOf, TrackingRefused } from '../contract/failures.ts';
import type { Tracker } from './tracker.ts';

/** MLflow's own words for places that are no servers we can speak to. */
const HOSTED = /^(databricks|databricks-uc|uc)(:|$)/;
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/**
 * What `mlflow.tracking_uri` means: a server's URL as it is written, or a directory as an absolute
 * `file:///` URL; a relative path is one under the project folder.
 * @throws BadParams for anything else. What could hold a password is not quoted.
 */
export function trackingUri(written: string, root: string): string {
  const scheme = SCHEME.exec(written)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return written;
  if (HOSTED.test(written)) throw unknown(written.replace(/:.*$/, ''));
  if (scheme === 'file') return directory(fileUrlPath(written, root));
  if (scheme !== undefined) throw unknown(`${scheme}:`);
  return directory(resolve(root, written));
}

/** Whether a tracking URI is a directory's. */
export function isDirectoryUri(uri: string): boolean {
  return uri.startsWith('file:');
}

/** The directory of a `file:///` URL. */
export function directoryOf(uri: string): string {
  return fileURLToPath(uri.replace(/#.*$/, ''));
}

function directory(path: string): string {
  return pathToFileURL(path.length > 1 ? path.replace(/\/+$/, '') : path).href;
}

/** As MLflow reads it: `file:mlruns` is relative, `file:///home/me/mlruns` is not. */
function fileUrlPath(written: string, root: string): string {
  const rest = written.slice('file:'.length);
  if (!rest.startsWith('/')) return resolve(root, decodeURIComponent(rest));
  try {
    return fileURLToPath(`file:${rest}`);
  } catch (error) {
    throw new BadParams(
      `mlflow.tracking_uri is no directory of this machine (${messageOf(error)}): write it like ./mlruns or file:///home/me/mlruns`,
      { cause: error },
    );
  }
}

function unknown(start: string): BadParams {
  return new BadParams(
    `mlflow.tracking_uri starts with "${start}", which is neither an MLflow server nor a directory: write it like http://localhost:5000 or ./mlruns, in params.yaml or MLFLOW_TRACKING_URI`,
  );
}

/**
 * Checks that a run which is tracked in a directory continues in the same one: a directory belongs to one machine.
 * @param place where the run is tracked; only directories are checked
 * @throws TrackingRefused when this worker's directory is another one
 */
export function refuseOtherFolder({ tracker }: { tracker: Tracker }, place: string): void {
  const ours = tracker.place();
  if (place === ours || !isDirectoryUri(place) || !isDirectoryUri(ours)) return;
  const owner = hostOf(place);
  throw new TrackingRefused(
    `the run is tracked in the directory ${directoryOf(place)}${owner === undefined ? '' : ` of ${owner}`}, which this worker on ${hostname()} does not share (it has ${directoryOf(ours)}): let it share that directory, or set mlflow.tracking_uri to a server`,
  );
}

/** A place is the directory's URL and, after `#`, the machine that made it and a few random letters. */
function hostOf(place: string): string | undefined {
  return /#(.+)-[0-9a-f]+$/.exec(place)?.[1];
}

/**
 * Where a person looks at a run: its page (the UI's own route, after the fragment, which the server
 * never sees), or its folder.
 */
export function runUrl(uri: string, experimentId: string, runId: string): string {
  if (isDirectoryUri(uri)) return `${uri}/${experimentId}/${runId}`;
  return `${uri}/#/experiments/${experimentId}/runs/${runId}`;
}

/** The command that shows what a directory holds; null where the server has pages of its own. */
export function lookCommand(uri: string, path: string): string | null {
  if (!isDirectoryUri(uri)) return null;
  return `MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri ${quoted(path)}`;
}

function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Credentials of an MLflow server: basic (a user and password) or bearer (a token). */
export type TrackingAuth = { username: string; password: string } | { token: string };

/**
 * The credentials MLflow's own clients take from the environment, in their order.
 * https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/
 */
export function authFromEnv(env: NodeJS.ProcessEnv): TrackingAuth | undefined {
  const username = env['MLFLOW_TRACKING_USERNAME'];
  const password = env['MLFLOW_TRACKING_PASSWORD'];
  if (username && password) return { username, password };
  const token = env['MLFLOW_TRACKING_TOKEN'];
  return token ? { token } : undefined;
}
