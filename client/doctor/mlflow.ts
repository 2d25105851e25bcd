import { readFileSync } from 'node:fs';
import { serverVersion } from '../../tracking/mlflow/version.ts';
import { isDirectoryUri } from '../../tracking/place.ts';
import type { Session } from '../session.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

/** Whether tracking answers and accepts us, and, of a server, whether it is the version we are tried with. */
export async function mlflow({ tracker, config }: Session): Promise<Finding[]> {
  await tracker.check();
  if (isDirectoryUri(tracker.uri)) return [ok('MLflow', `${tracker.uri} can be used`)];
  return [
    mlflowVersion(await serverVersion(config.tracking), { at: tracker.uri, tried: pinned() }),
  ];
}

/** The version the local stack installs, and the tests run against. */
function pinned(): string {
  const file = new URL('../../infra/requirements.txt', import.meta.url);
  return /^mlflow==(\S+)/m.exec(readFileSync(file, 'utf8'))![1]!;
}

/** @param version what the server says it is; undefined when it does not */
export function mlflowVersion(
  version: string | undefined,
  { at, tried }: { at: string; tried: string },
): Finding {
  if (version === undefined)
    return warn(
      'MLflow',
      `answers at ${at}, but not which version it is`,
      `look there: ${tried} is tried`,
    );
  const found = `${version} at ${at}`;
  if (version === tried) return ok('MLflow', found);
  const [major, minor] = version.split('.').map(Number);
  if (major! < 3)
    return fail(
      'MLflow',
      found,
      `upgrade it to ${tried}: models are logged as MLflow 3 keeps them`,
    );
  return `${major}.${minor}` === tried.split('.', 2).join('.')
    ? ok('MLflow', `${found}, tried with ${tried}`)
    : warn(
        'MLflow',
        found,
        `if runs are not logged as they should be, use ${tried}, which is tried`,
      );
}
