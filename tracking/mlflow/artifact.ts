import { TrackingRefused } from '../../contract/failures.ts';
import type { Http } from './http.ts';
import type { FileBody } from './send-file.ts';

const PROXY = '/api/2.0/mlflow-artifacts/artifacts';

/**
 * Stores a file under an artifact root through the tracking server, so that no worker needs the
 * artifact store's credentials.
 * https://mlflow.org/docs/latest/self-hosting/architecture/artifact-store/
 */
export async function uploadArtifact(
  http: Http,
  root: string,
  path: string,
  body: Uint8Array | FileBody,
  contentType = 'application/octet-stream',
): Promise<void> {
  const folder = proxiedPath(http.options.uri, root);
  const segments = [...folder.split('/'), ...path.split('/')].filter((part) => part !== '');
  await http.upload(`${PROXY}/${segments.map(encodeURIComponent).join('/')}`, body, contentType);
}

/** `mlflow-artifacts:/1/<run>/artifacts` → `1/<run>/artifacts`; other roots cannot be served. */
function proxiedPath(uri: string, root: string): string {
  const proxied = /^mlflow-artifacts:\/(?!\/)(.*)$/.exec(root)?.[1];
  // The same, as a server writes it that was given its own URL as the root.
  const prefix = `${uri}${PROXY}/`;
  const path = proxied ?? (root.startsWith(prefix) ? root.slice(prefix.length) : undefined);
  if (path !== undefined) return decodeURIComponent(path);
  throw new TrackingRefused(
    `the MLflow server at ${uri} keeps this experiment's files at ${withoutSecrets(root)}, outside its reach: start it with --serve-artifacts and use a new mlflow.experiment_name, since an experiment keeps the place it was made with`,
  );
}

/** Roots may be URLs of any scheme; credentials and queries are not for messages. */
function withoutSecrets(root: string): string {
  return root.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}
