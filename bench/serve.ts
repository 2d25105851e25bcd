/**
 * Measures requests for predictions, beside `mlflow models serve` with the same model: requests a second and the
 * latency at p50 and p99, for one row and for 1 000 rows. `npm run bench:serve [-- --quick]`.
 *
 * autocannon sends the same body to both, on kept connections, from another process. The servers take turns, so that
 * both meet the same other programs; the ratio is what to compare on a machine that does other things too.
 * At the end, the champion is switched every second under load, and failed requests are counted.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { ResultDocument } from '../client/result.ts';
import { formatTable } from '../client/format.ts';
import { describeVenv } from '../infra/python.ts';
import { sha256 } from '../store/hash.ts';
import { COMMAND, freePort, makeProject, type Project } from '../test/support/project.ts';
import { setup, venv } from '../test/support/stack.ts';
import { digits, spreadOf, times } from './measure.ts';
import { keepResults } from './results.ts';
import { runAlone, runMeanwhile } from './run-script.ts';
import type { Answered, LoadJob } from './serve/load.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const seconds = values.quick ? 2 : 10;
const PIPELINE = 'iris';
const LOAD = new URL('./serve/load.ts', import.meta.url);
const rounds = values.quick ? 1 : 3;

/** Rows of a request, and connections: one shows the latency, several the throughput. */
const loads = [
  { rows: 1, connections: 1 },
  { rows: 1, connections: 16 },
  { rows: 1000, connections: 1 },
  { rows: 1000, connections: 4 },
];

const teardown = await setup();
const project = await makeProject('bench-serve');
const servers: ChildProcess[] = [];
try {
  await project.startWorker();
  const result = await project.runJson('3');
  const urls = { ours: await startOurs(project), mlflow: await startMlflow(project, result) };
  await assertAlike(urls);
  const measured = loads.map(({ rows, connections }) => {
    const body = JSON.stringify({ dataframe_split: makeRows(rows) });
    const taken = { ours: [] as Answered[], mlflow: [] as Answered[] };
    for (let round = 0; round < rounds; round++)
      for (const name of ['ours', 'mlflow'] as const)
        taken[name].push(load({ url: urls[name], body, connections, seconds }));
    return { rows, connections, ours: summarise(taken.ours), mlflow: summarise(taken.mlflow) };
  });
  const switched = await measureSwitches();
  const head = [
    'rows',
    'connections',
    'ours/s',
    'p50 ms',
    'p99 ms',
    'mlflow/s',
    'p50 ms',
    'p99 ms',
    '×',
  ];
  const body = measured.map(({ rows, connections, ours, mlflow }) => [
    rows,
    connections,
    ...[ours, mlflow].flatMap((one) => [
      digits(one.perSecond),
      one.p50.toFixed(2),
      one.p99.toFixed(2),
    ]),
    times(ours.perSecond, mlflow.perSecond),
  ]);
  process.stdout.write(`${formatTable(head, body)}\n`);
  process.stdout.write(
    `${switched.requests} requests while the champion was switched ${switched.switches} times: ${switched.failed} failed\n`,
  );
  keepResults('serve', {
    unit: 'requests a second and milliseconds, medians of the rounds',
    seconds,
    rounds,
    load: loadavg()[0],
    measured,
    switched,
  });
} finally {
  await Promise.all(servers.map(end));
  await project.close();
  await teardown();
}

function load(job: LoadJob): Answered {
  const answered = runAlone(LOAD, job) as Answered;
  if (answered.failed > 0) throw new Error(`${answered.failed} requests to ${job.url} failed`);
  return answered;
}

/** Sends requests while the champion is switched every second. */
async function measureSwitches() {
  const { champions, records } = project.store;
  const { schema: _, seq: __, ...draft } = await records.latest(PIPELINE, 3);
  await records.publish({ ...draft, version: 4, build: 'copy' });
  const builds = [3, 4].map((version) => ({ version, seq: 1 }));
  let champion = await champions.readChampion(PIPELINE).catch(() => undefined);
  const promoteOther = async (): Promise<void> => {
    const build = builds.find(({ version }) => version !== champion?.version)!;
    const at = new Date().toISOString();
    const inputs = sha256(Buffer.from(at));
    await champions.promoteByHand(PIPELINE, {
      id: at,
      by: 'bench',
      reason: 'bench',
      at,
      build,
      inputs,
    });
    champion = build;
  };
  if (champion === undefined) await promoteOther();
  const url = await startOurs(project, '--model', 'champion', '--check-every', '1');
  const body = JSON.stringify({ dataframe_split: makeRows(1) });
  const job: LoadJob = { url, body, connections: 16, seconds: 2 * seconds };
  const loading = runMeanwhile(LOAD, job) as Promise<Answered>;
  const ended = loading.then(() => true);
  do await promoteOther();
  while (!(await Promise.race([sleep(1_000, false), ended])));
  const { answered, failed } = await loading;
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const [, switches] = /^retrain_model_switches_total\{role="model"\} (\d+)$/m.exec(metrics)!;
  if (Number(switches) === 0) throw new Error('the server has never switched to another champion');
  return { requests: answered, failed, switches: Number(switches) };
}

function summarise(taken: readonly Answered[]): Pick<Answered, 'perSecond' | 'p50' | 'p99'> {
  const of = (name: keyof Answered): number => spreadOf(taken.map((one) => one[name])).median;
  return { perSecond: of('perSecond'), p50: of('p50'), p99: of('p99') };
}

/** Rows that are all different, so that no answer is kept from an earlier one. */
function makeRows(rows: number): { columns: string[]; data: number[][] } {
  return {
    columns: ['sepal_length', 'sepal_width', 'petal_length', 'petal_width'],
    data: Array.from({ length: rows }, (_, i) =>
      [4.3 + (i % 36) / 10, 2 + (i % 24) / 10, 1 + (i % 59) / 10, 0.1 + (i % 25) / 10].map((cell) =>
        Number(cell.toFixed(1)),
      ),
    ),
  };
}

async function startOurs({ folder, env }: Project, ...flags: string[]): Promise<string> {
  const port = await freePort();
  const args = [COMMAND, 'serve', '--port', String(port), ...flags];
  return start(process.execPath, args, { cwd: folder, env, port });
}

async function startMlflow({ folder, env }: Project, { mlflow }: ResultDocument): Promise<string> {
  const port = await freePort();
  const model = `models:/${mlflow!.modelName}/${mlflow!.modelVersion}`;
  const args = ['models', 'serve', '--model-uri', model, '--env-manager', 'local'];
  const bin = join(describeVenv(venv).dir, 'bin');
  const path = `${bin}:${env['PATH'] ?? ''}`;
  return start(join(bin, 'mlflow'), [...args, '--port', String(port)], {
    cwd: folder,
    env: { ...env, PATH: path },
    port,
  });
}

/** Starts a server, and waits until it answers. */
async function start(
  program: string,
  args: string[],
  { cwd, env, port }: { cwd: string; env: Record<string, string>; port: number },
): Promise<string> {
  // In a new process group, because `mlflow models serve` starts a shell that starts the server.
  const child = spawn(program, args, { cwd, env, stdio: 'ignore', detached: true });
  servers.push(child);
  const url = `http://127.0.0.1:${port}`;
  const isUp = (): Promise<boolean> =>
    fetch(`${url}/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error(`${program} ${args.join(' ')} has ended`);
    await sleep(200);
  }
  return url;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = once(child, 'close');
  process.kill(-child.pid!, 'SIGTERM');
  await closed;
}

/** Both answer the same, or the comparison means nothing. */
async function assertAlike(urls: Record<'ours' | 'mlflow', string>): Promise<void> {
  const body = JSON.stringify({ dataframe_split: makeRows(1000) });
  const headers = { 'content-type': 'application/json' };
  const [ours, mlflow] = await Promise.all(
    [urls.ours, urls.mlflow].map(async (url) =>
      JSON.stringify(
        await (await fetch(`${url}/invocations`, { method: 'POST', headers, body })).json(),
      ),
    ),
  );
  if (ours !== mlflow) throw new Error('the two servers answer differently');
}
