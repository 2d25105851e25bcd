import { parseArgs } from 'node:util';
import { join } from 'node:path';
import type { Bucket } from '../store/bucket.ts';
import { openStore } from '../store/index.ts';
import { makeProject, startWorker } from '../test/support/project.ts';
import { setup } from '../test/support/stack.ts';
import { writeLarge } from './baseline/large.ts';
import { openByteMeter } from './byte-meter.ts';
import { cachedRuns, cachedTable } from './cost/cached.ts';
import { openMerged } from './cost/merged.ts';
import { ourVersion } from './cost/ours.ts';
import { readBack, readingTable } from './cost/reading.ts';
import { versionsTable, type VersionCosts } from './cost/versions-table.ts';
import { keepResults } from './results.ts';

/**
 * Measures the cost of later and later versions with batches of equal size: bytes sent, bytes stored, and
 * time. The comparison is DVC with the merged data of each version as one file. It also measures a fully
 * cached run, compared with as many empty activities, and how fast verify reads.
 * `npm run bench:cost [-- --quick] [--versions=1,10] [--rounds=N]`.
 */

const BATCH_ROWS = 1_000;

const { values: asked } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    versions: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const versions = (asked.versions ?? (asked.quick ? '1,10' : '1,10,50,100,200'))
  .split(',')
  .map(Number);
const rounds = Number(asked.rounds ?? (asked.quick ? 2 : 15));
const task = {
  name: 'cost',
  target: 'label',
  batchSize: BATCH_ROWS,
  maxDepth: 10,
  seed: 42,
};

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const teardown = await setup();
const direct = process.env['AWS_ENDPOINT_URL_S3']!;
const meter = await openByteMeter(direct);
const project = await makeProject('cost', { AWS_ENDPOINT_URL_S3: meter.url });
const bucket = project.env['RETRAIN_BUCKET']!;
const store = openStore({ endpoint: direct, region: 'us-east-1', bucket });
await store.bucket.ensure();
const worker = await startWorker(project);
const merged = await openMerged({ endpoint: meter.url, bucket });
try {
  const source = join(project.folder, 'cost.csv');
  await writeLarge(source, Math.max(...versions), BATCH_ROWS);
  const costs: VersionCosts = {};
  for (const version of versions) {
    // Cuts and encodes the batches of the versions before.
    if (version > 1)
      await ourVersion(project, { ...task, source }, version - 1, '--until', 'preprocess');
    await merged.prepare(source, version, BATCH_ROWS);
    const before = await storedBytes(store.bucket);
    meter.take();
    const ours = await ourVersion(project, { ...task, source }, version);
    const { up: oursUp } = meter.take();
    const between = await storedBytes(store.bucket);
    meter.take();
    const dvc = await merged.push(version);
    const { up: dvcUp } = meter.take();
    const after = await storedBytes(store.bucket);
    costs[version] = {
      ours: { up: oursUp, stored: between - before, ...ours },
      dvc: { up: dvcUp, stored: after - between, ...dvc },
    };
    say(`version ${version}: ours ${oursUp} bytes up, DVC ${dvcUp}`);
  }
  process.stdout.write(`${versionsTable(costs)}\n`);
  const cached = await cachedRuns(project, { ...task, source }, [1, Math.max(...versions)], rounds);
  process.stdout.write(`${cachedTable(cached)}\n`);
  const reading = await readBack(store);
  process.stdout.write(`${readingTable(reading)}\n`);
  keepResults('cost', { batchRows: BATCH_ROWS, versions: costs, cached, reading });
} finally {
  merged.remove();
  await worker.stop();
  store.bucket.close();
  meter.close();
  await project.close();
  await teardown();
}

/** Bytes of all objects in the bucket. */
async function storedBytes(from: Bucket): Promise<number> {
  let sum = 0;
  for await (const { size } of from.list('')) sum += size;
  return sum;
}
