import { isDirectoryUri } from '../place.ts';

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
