/**
 * Measures requests for predictions, beside `mlflow models serve` with the same model: requests a second and the
 * latency at p50 and p99, for one row and for 1 000 rows. `npm run bench:serve [-- --quick]`.
 *
 * autocannon sends the same body to both, on kept connections, from a process of its own. The servers take turns, so that
 * both meet the same other programs; the ratio is what to compare on a machine that does other things too.
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
import { COMMAND, freePort, makeProject, type Project } from '../test/support/project.ts';
import { setup, venv } from '../test/support/stack.ts';
import { digits, spreadOf, times } from './measure.ts';
import { keepResults } from './results.ts';
import { runAlone } from './run-script.ts';
import type { Answered, LoadJob } from './serve/load.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const seconds = values.quick ? 2 : 10;
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
  keepResults('serve', {
    unit: 'requests a second and milliseconds, medians of the rounds',
    seconds,
    rounds,
    load: loadavg()[0],
    measured,
  });
} finally {
  await Promise.all(servers.map(end));
  await project.close();
  await teardown();
}

function load(job: LoadJob): Answered {
  const answered = runAlone(new URL('./serve/load.ts', import.meta.url), job) as Answered;
  if (answered.failed > 0) throw new Error(`${answered.failed} requests to ${job.url} failed`);
  return answered;
}

function summarise(taken: readonly Answered[]): Omit<Answered, 'failed'> {
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

async function startOurs({ folder, env }: Project): Promise<string> {
  const port = await freePort();
  const args = [COMMAND, 'serve', '--port', String(port)];
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
  // A group of its own, because `mlflow models serve` starts a shell that starts the server.
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
