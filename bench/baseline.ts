import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readIris } from '../sources/file.ts';
import { openStore } from '../store/index.ts';
import { makeProject, startWorker } from '../test/support/project.ts';
import { setup } from '../test/support/stack.ts';
import { irisBatches, irisTable } from './baseline/iris.ts';
import { largeTable, largeVersions, writeLarge } from './baseline/large.ts';
import type { Sides } from './baseline/sides.ts';
import { openByteMeter } from './byte-meter.ts';
import { keepResults } from './results.ts';

/**
 * Runs the same batches with plain Python scripts, DVC and MLflow, and with this program, in turn on the same
 * servers.
 *
 *     npm run bench:baseline [-- --quick] [--rounds=N] [--versions=N,…]
 *
 * A round is the three Iris batches. A version belongs to a table with 5 000 rows in each batch. The batches
 * before a version are prepared first and not measured: the scripts' by one cut of the raw data, ours by a
 * run that stops before training. So version 200 is measured without 199 runs of either side.
 */
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    versions: { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const versions = (values.versions ?? (values.quick ? '1,10' : '1,10,50,200'))
  .split(',')
  .map(Number)
  .filter(Boolean);

const teardown = await setup();
const meter = await openByteMeter(process.env['AWS_ENDPOINT_URL_S3']!);
const project = await makeProject('baseline', { AWS_ENDPOINT_URL_S3: meter.url });
const store = { endpoint: meter.url, bucket: project.env['RETRAIN_BUCKET']! };
const worker = await startWorker(project);
const sides: Sides = {
  project,
  store,
  say: (line) => void process.stderr.write(`${line}\n`),
  timed: async (work) => {
    meter.take();
    const begun = performance.now();
    const answer = await work();
    return { ms: Math.round(performance.now() - begun), ...meter.take(), answer };
  },
};
try {
  const opened = openStore({ ...store, region: 'us-east-1' });
  await opened.bucket.ensure(); // DVC makes none
  opened.bucket.close();
  const source = project.write('iris-raw.csv', await readIris());
  const iris = await irisBatches(sides, source, rounds);
  process.stdout.write(`${irisTable(iris)}\n`);
  const large = join(project.folder, 'large.csv');
  if (versions.length > 0) await writeLarge(large, Math.max(...versions));
  const costs = await largeVersions(sides, large, versions);
  process.stdout.write(`${largeTable(costs)}\n`);
  keepResults('baseline', { iris, large: costs });
} finally {
  await worker.stop();
  meter.close();
  await project.close();
  await teardown();
}
