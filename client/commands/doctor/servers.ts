import { readFileSync } from 'node:fs';
import type { Session } from '../../session.ts';
import { taskQueueHasWorker } from '../../waiting.ts';
import { temporalPlace } from '../../../config/connections.ts';
import { SEARCH_ATTRIBUTES } from '../../../contract/search-attributes.ts';
import { registeredSearchAttributes } from '../../../infra/register-search-attributes.ts';
import { serverVersion } from '../../../tracking/open.ts';
import { isDirectoryUri } from '../../../tracking/place.ts';
import { type Finding, fail, failed, ok, warn } from './finding.ts';

const DAY_S = 86_400;

/** The server, its namespace, what it keeps, and whether somebody works for us there. */
export async function temporal(session: Session): Promise<Finding[]> {
  const { address, namespace } = temporalPlace();
  const info = await session.client.workflowService.getSystemInfo({});
  const found = await Promise.all([retention(session), attributes(session), workers(session)]);
  return [
    ok('Temporal', `${info.serverVersion ?? ''} at ${address}, namespace ${namespace}`),
    ...found,
  ];
}

async function retention({ client, namespace }: Session): Promise<Finding> {
  try {
    const { config } = await client.workflowService.describeNamespace({ namespace });
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY_S;
    const found = `closed histories are kept for ${days === 1 ? 'a day' : `${Math.round(days)} days`}`;
    return days >= 7
      ? ok('retention', found)
      : warn(
          'retention',
          found,
          `temporal operator namespace update -n ${namespace} --retention 720h`,
        );
  } catch (error) {
    return failed('retention', error, 'warn');
  }
}

async function attributes({ connection, namespace }: Session): Promise<Finding> {
  try {
    const there = await registeredSearchAttributes(connection, namespace);
    const missing = Object.keys(SEARCH_ATTRIBUTES).filter((name) => !there.includes(name as never));
    return missing.length === 0
      ? ok('search attributes', there.join(', '))
      : warn(
          'search attributes',
          `missing: ${missing.join(', ')}`,
          'npm run client -- search-attributes register',
        );
  } catch (error) {
    return failed('search attributes', error, 'warn');
  }
}

async function workers(session: Session): Promise<Finding> {
  const queue = session.config.taskQueue;
  return (await taskQueueHasWorker(session))
    ? ok('worker', `one polls ${queue}`)
    : fail('worker', `none polls ${queue}`, 'npm run client -- worker, or stack up');
}

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
  const file = new URL('../../../infra/requirements.txt', import.meta.url);
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
