import { readFileSync } from 'node:fs';
import type { Session } from '../../session.ts';
import { listPollers, type Poller } from '../../waiting.ts';
import { readTemporalLocation } from '../../../config/connections.ts';
import { SEARCH_ATTRIBUTES } from '../../../contract/search-attributes.ts';
import { findHttpProblem } from '../../../infra/health.ts';
import { findProcess } from '../../../infra/process.ts';
import { readStackState } from '../../../infra/stack-folder.ts';
import { registeredSearchAttributes } from '../../../infra/register-search-attributes.ts';
import { serverVersion } from '../../../tracking/open.ts';
import { findChampionRecord } from '../../champion.ts';
import { describeAlias, readAlias, repairAlias } from '../../champion-alias.ts';
import { readTracked } from '../../versions.ts';
import { nameBuild } from '../../../contract/versions.ts';
import { isDirectoryUri } from '../../../tracking/place.ts';
import { type Finding, fail, failed, ok, warn } from './finding.ts';
import { RETRAIN } from '../../../contract/command.ts';

const DAY_S = 86_400;

/** Temporal: the server, its namespace, its retention, its search attributes, and a worker. */
export async function checkTemporal(session: Session): Promise<Finding[]> {
  const { address, namespace } = readTemporalLocation();
  const info = await session.client.workflowService.getSystemInfo({});
  const found = await Promise.all([
    checkRetention(session),
    checkAttributes(session),
    checkWorkers(session),
  ]);
  return [
    ok('Temporal', `${info.serverVersion ?? ''} at ${address}, namespace ${namespace}`),
    ...found,
  ];
}

async function checkRetention({ client, namespace }: Session): Promise<Finding> {
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

async function checkAttributes({ connection, namespace }: Session): Promise<Finding> {
  try {
    const there = await registeredSearchAttributes(connection, namespace);
    const missing = Object.keys(SEARCH_ATTRIBUTES).filter((name) => !there.includes(name as never));
    return missing.length === 0
      ? ok('search attributes', there.join(', '))
      : warn(
          'search attributes',
          `missing: ${missing.join(', ')}`,
          `${RETRAIN} search-attributes register`,
        );
  } catch (error) {
    return failed('search attributes', error, 'warn');
  }
}

async function checkWorkers(session: Session): Promise<Finding> {
  try {
    const pollers = await listPollers(session);
    return judgeWorkers(pollers, session.config.taskQueue, await askHealth(session.config));
  } catch (error) {
    return failed('worker', error, 'warn');
  }
}

/** The answer of the worker of the local stack. */
export interface WorkerHealth {
  url: string;
  /** Undefined where it is ready. */
  problem: string | undefined;
}

async function askHealth({ stackDir }: Session['config']): Promise<WorkerHealth | undefined> {
  const stack = readStackState(stackDir);
  const own = findProcess(stackDir, 'worker') === undefined ? undefined : stack?.ports.health;
  if (own === undefined) return undefined;
  const url = `http://127.0.0.1:${own}/readyz`;
  return { url, problem: await findHttpProblem(url) };
}

/** Judges whether a worker polls, by what Temporal has seen and by what the worker on this machine answers. */
export function judgeWorkers(
  pollers: readonly Poller[],
  queue: string,
  health: WorkerHealth | undefined,
  now = Date.now(),
): Finding {
  const repair = `${RETRAIN} worker, or ${RETRAIN} stack up`;
  const describePoll = ({ identity, polledAt }: Poller): string =>
    `the last poll was ${Math.max(0, Math.round((now - polledAt) / 1_000))} s ago, by ${identity}`;
  const live = pollers.filter(({ isLive }) => isLive);
  const [last] = pollers;
  if (live.length === 0)
    return fail(
      'worker',
      `none polls ${queue}${last === undefined ? '' : `: ${describePoll(last)}, which does not run any more`}`,
      repair,
    );
  const found = `${live.length === 1 ? 'one polls' : `${live.length} poll`} ${queue}: ${describePoll(live[0]!)}`;
  if (health === undefined) return ok('worker', found);
  return health.problem === undefined
    ? ok('worker', `${found}; ${health.url} says that it is ready`)
    : warn('worker', `${found}, but ${health.problem}`, repair);
}

/** Tracking: whether it answers, whether a server has the version that is tested, and the alias of the champion. */
export async function checkMlflow(session: Session): Promise<Finding[]> {
  await session.tracker.check();
  return [...(await checkVersion(session)), ...(await checkAlias(session))];
}

async function checkVersion({ tracker, config }: Session): Promise<Finding[]> {
  if (isDirectoryUri(tracker.uri)) return [ok('MLflow', `${tracker.uri} can be used`)];
  return [
    judgeMlflowVersion(await serverVersion(config.tracking), {
      at: tracker.uri,
      tested: readPinnedVersion(),
    }),
  ];
}

/** Whether the alias in the registry names the champion. The finding on S3 reports a store that does not answer. */
async function checkAlias(session: Session): Promise<Finding[]> {
  const { store, config } = session;
  const { pipeline } = config;
  const champion = await findChampionRecord(store, pipeline).catch(() => undefined);
  if (champion === undefined) return [];
  const { version } = champion;
  const name = `version ${nameBuild(champion)} of ${pipeline}`;
  const alias = await readAlias(session, await readTracked(session, champion));
  const found = `${name}; the alias ${describeAlias(alias)}`;
  return [
    alias.state === 'differs'
      ? warn('champion', found, repairAlias(pipeline, version))
      : ok('champion', found),
  ];
}

/** The version that the local stack installs and the tests use. */
function readPinnedVersion(): string {
  const file = new URL('../../../infra/requirements.txt', import.meta.url);
  return /^mlflow==(\S+)/m.exec(readFileSync(file, 'utf8'))![1]!;
}

/** @param version the version that the server reports; undefined when it reports none */
export function judgeMlflowVersion(
  version: string | undefined,
  { at, tested }: { at: string; tested: string },
): Finding {
  if (version === undefined)
    return warn(
      'MLflow',
      `answers at ${at}, but does not report its version`,
      `check its version: ${tested} is tested`,
    );
  const found = `${version} at ${at}`;
  if (version === tested) return ok('MLflow', found);
  const [major, minor] = version.split('.').map(Number);
  if (major! < 3)
    return fail(
      'MLflow',
      found,
      `upgrade it to ${tested}: models are logged in the form of MLflow 3`,
    );
  return `${major}.${minor}` === tested.split('.', 2).join('.')
    ? ok('MLflow', `${found}, tested with ${tested}`)
    : warn('MLflow', found, `if runs are not logged correctly, use ${tested}, which is tested`);
}
