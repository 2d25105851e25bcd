import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BadParams, messageOf, TrackingRefused } from '../contract/failures.ts';
import { mayHoldPassword } from '../contract/wrong-value.ts';
import type { Tracker } from './tracker.ts';

/** MLflow's names for hosted servers, which this program does not support. */
const HOSTED = /^(databricks|databricks-uc|uc)(:|$)/;
const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

/**
 * Resolves `mlflow.tracking_uri`: a server's URL stays as it is written, and a directory becomes an absolute
 * `file:///` URL. A relative path starts from the project folder.
 * @throws BadParams for anything else. A part that may hold a password is not quoted.
 */
export function trackingUri(written: string, root: string): string {
  const scheme = SCHEME.exec(written)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') {
    if (!URL.canParse(written)) throw noUrl();
    return written;
  }
  if (HOSTED.test(written)) throw unknownUri(written.replace(/:.*$/, ''));
  if (scheme === 'file') return toFileUrl(fileUrlPath(written, root));
  // In "user:password@host", the part before the colon is no scheme.
  if (scheme !== undefined && !written.includes('://') && mayHoldPassword(written)) throw noUrl();
  if (scheme !== undefined) throw unknownUri(`${scheme}:`);
  return toFileUrl(resolve(root, written));
}

/** Whether a tracking URI is a directory's. */
export function isDirectoryUri(uri: string): boolean {
  return uri.startsWith('file:');
}

/** The directory of a `file:///` URL. */
export function directoryOf(uri: string): string {
  return fileURLToPath(uri.replace(/#.*$/, ''));
}

function toFileUrl(path: string): string {
  return pathToFileURL(path.length > 1 ? path.replace(/\/+$/, '') : path).href;
}

/** Reads a `file:` URL as MLflow does: `file:mlruns` is relative, `file:///home/me/mlruns` is not. */
function fileUrlPath(written: string, root: string): string {
  const rest = written.slice('file:'.length);
  try {
    if (!rest.startsWith('/')) return resolve(root, decodeURIComponent(rest));
    return fileURLToPath(`file:${rest}`);
  } catch (error) {
    throw new BadParams(
      `mlflow.tracking_uri is not a directory of this machine (${messageOf(error)}): write it like ./mlruns or file:///home/me/mlruns`,
      { cause: error },
    );
  }
}

/** The error for a server's address that is not a URL. It does not quote the address, which may hold a password. */
export function noUrl(): BadParams {
  return new BadParams(
    'mlflow.tracking_uri is not a URL: write it like http://localhost:5000, in params.yaml or MLFLOW_TRACKING_URI',
  );
}

function unknownUri(start: string): BadParams {
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

/** A place is the directory's URL and, after `#`, the host that created it and a few random digits. */
function hostOf(place: string): string | undefined {
  return /#(.+)-[0-9a-f]+$/.exec(place)?.[1];
}

/**
 * Returns the URL of a run's page, or of its folder. The route of the page comes after `#`, so the browser does
 * not send it to the server.
 */
export function makeRunUrl(uri: string, experimentId: string, runId: string): string {
  if (isDirectoryUri(uri)) return `${uri}/${experimentId}/${runId}`;
  // Without this, MLflow 3 shows the run among those of GenAI.
  return `${uri}/#/experiments/${experimentId}/runs/${runId}?workflowType=machine_learning`;
}

/** Returns the URL of the page of a run's file, or of the file. */
export function makeArtifactUrl(
  uri: string,
  { experimentId, runId, path }: { experimentId: string; runId: string; path: string },
): string {
  const file = path.split('/').map(encodeURIComponent).join('/');
  if (isDirectoryUri(uri)) return `${uri}/${experimentId}/${runId}/artifacts/${file}`;
  return `${uri}/#/experiments/${experimentId}/runs/${runId}/artifacts/${file}?workflowType=machine_learning`;
}

/** Returns the URL of the page of a version of a registered model. */
export function makeModelUrl(uri: string, name: string, version: string): string {
  return `${uri}/#/models/${encodeURIComponent(name)}/versions/${version}?workflowType=machine_learning`;
}

/** Returns the command that shows a directory in MLflow's UI; null for a server, which has its own pages. */
export function makeLookCommand(uri: string, path: string): string | null {
  if (!isDirectoryUri(uri)) return null;
  return `MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri ${quoteForShell(path)}`;
}

function quoteForShell(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Credentials of an MLflow server: basic (a user and password) or bearer (a token). */
export type TrackingAuth = { username: string; password: string } | { token: string };

/**
 * Returns the credentials that MLflow's clients read from the environment, in the same order of precedence.
 * https://mlflow.org/docs/latest/self-hosting/security/basic-http-auth/
 */
export function authFromEnv(env: NodeJS.ProcessEnv): TrackingAuth | undefined {
  const username = env['MLFLOW_TRACKING_USERNAME'];
  const password = env['MLFLOW_TRACKING_PASSWORD'];
  if (username && password) return { username, password };
  const token = env['MLFLOW_TRACKING_TOKEN'];
  return token ? { token } : undefined;
}
