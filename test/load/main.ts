import { parseArgs } from 'node:util';
import { formatTable } from '../../client/format.ts';
import { setup } from '../support/stack.ts';
import { runLoad } from './load.ts';

/**
 * Many runs at once on one worker and its own servers:
 * `npm run load -- [--pipelines 50] [--batches 4] [--seed 1]`.
 */
const { values } = parseArgs({
  options: {
    pipelines: { type: 'string', default: '50' },
    batches: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
  },
});
const [pipelines, batches, seed] = [values.pipelines, values.batches, values.seed].map(Number);
const teardown = await setup();
try {
  const load = await runLoad({ pipelines: pipelines!, batches: batches!, seed: seed! });
  const second = (value: number): string => `${value.toFixed(1)} s`;
  const megabytes = (value: number): string => (Number.isNaN(value) ? 'not known' : `${value} MB`);
  const rows = [
    ['runs', load.runs],
    ['of pipelines', pipelines!],
    ['failed', load.failed.length],
    ['versions listed', load.versions],
    ['activities tried again', load.retried],
    ['from the first start to the last end', second(load.wall)],
    ['median run', second(load.medianRun)],
    ['slowest run', second(load.slowestRun)],
    ['peak memory of the worker', megabytes(load.workerPeak)],
    ['peak memory of Temporal', megabytes(load.temporalPeak)],
    ["slowest answer to the Web UI's list", second(load.slowestList)],
  ];
  process.stdout.write(`${formatTable(['what', `seed ${seed}`], rows)}\n`);
  for (const run of load.failed) process.stderr.write(`${run}\n`);
  process.exitCode = load.failed.length === 0 ? 0 : 1;
} finally {
  await teardown();
}
