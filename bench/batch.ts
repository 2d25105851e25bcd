import { parseArgs } from 'node:util';
import { formatTable } from '../client/format.ts';
import { makeProject, startWorker, type Project } from '../test/support/project.ts';
import { setup } from '../test/support/stack.ts';
import { openEmptyWorker } from './empty-worker.ts';
import { spreadOf, type Spread } from './measure.ts';
import { keepResults } from './results.ts';

/**
 * Measures a batch from workflow start to close, warm and cached, the client command that starts it, and seven
 * empty activities on the same server in the same run.
 * `npm run bench:batch [-- --quick] [--rounds=N]`.
 */

const { values: asked } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, rounds: { type: 'string' } },
});
const STAGES = 7;
const rounds = Number(asked.rounds ?? (asked.quick ? 2 : 7));
const times: Record<string, number[]> = {};

async function timed(name: string, work: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  await work();
  (times[name] ??= []).push(performance.now() - begun);
}

const coldStack = performance.now();
const teardown = await setup();
times['cold: the stack without the worker, until healthy'] = [performance.now() - coldStack];
try {
  await measure(await makeProject('bench'));
} finally {
  await teardown();
}
report();

async function measure(project: Project): Promise<void> {
  const coldWorker = performance.now();
  const worker = await startWorker(project);
  times['cold: the worker, until it polls'] = [performance.now() - coldWorker];
  const { client, runEmpty, close } = await openEmptyWorker(project);
  let id = 0;
  const runBatch = (batch: number, seed: number): Promise<unknown> =>
    client.workflow.execute('trainBatch', {
      workflowId: `bench-${id++}`,
      taskQueue: 'incremental-training',
      // Another seed gives other batches, which no earlier round has cut, so only get_data is cached.
      args: [{ batch, pipeline: `seed-${seed}`, params: { data: { shuffle_seed: seed } } }],
    });

  await timed('cold: the first batch of all', () => runBatch(1, 0));
  await runEmpty(STAGES);
  for (let seed = 1; seed <= rounds; seed++) {
    await runBatch(1, seed);
    await timed('seven empty activities', () => runEmpty(STAGES));
    await timed('warm batch, start to close', () => runBatch(2, seed));
    await timed('cached batch, start to close', () => runBatch(2, seed));
    const flags = ['--pipeline', `seed-${seed}`, '--set', `data.shuffle_seed=${seed}`, '--json'];
    await timed('client command, warm batch', () => project.client('run', '3', ...flags));
    await timed('client command, cached batch', () => project.client('run', '3', ...flags));
  }
  await close();
  await worker.stop();
  await project.close();
}

function report(): void {
  const spreads = Object.fromEntries(
    Object.entries(times).map(([name, values]) => [name, spreadOf(values)]),
  );
  const base = spreads['seven empty activities']!.median;
  const ms = (value: number): string => value.toFixed(0);
  const row = ([name, spread]: [string, Spread]): (string | number)[] => [
    name,
    spread.runs,
    ms(spread.min),
    ms(spread.median),
    ms(spread.max),
    (spread.median / base).toFixed(1),
  ];
  const head = ['ms', 'runs', 'min', 'median', 'max', '÷ seven empty'];
  process.stdout.write(`${formatTable(head, Object.entries(spreads).map(row))}\n`);
  keepResults('batch', spreads);
}
