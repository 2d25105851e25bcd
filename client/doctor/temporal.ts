import { temporalPlace } from '../../config/connections.ts';
import { registeredSearchAttributes } from '../../infra/search-attributes.ts';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes.ts';
import type { Session } from '../session.ts';
import { taskQueueHasWorker } from '../workers.ts';
import { failed, fail, ok, warn, type Finding } from './finding.ts';

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
