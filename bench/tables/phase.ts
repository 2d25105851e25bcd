/** Runs one phase on a file in its own process and prints its time and memory as JSON. */
import { mkdirSync, readFileSync } from 'node:fs';
import { localFiles } from '../../compute/local-files.ts';
import { countBatches } from '../../pipeline/batches/order.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import { encodePart } from '../../pipeline/features/part-tasks.ts';
import { cutBatches, inspectRaw } from '../../pipeline/batches/raw-tasks.ts';

export interface PhaseJob {
  phase: 'typing' | 'cutting' | 'encoding';
  file: string;
  /** Where batches are. */
  folder: string;
  rows: number;
  batchSize: number;
  columns: Column[];
}

/** Seconds on the wall and of all threads' processor time, and MB resident at the peak. */
export interface Taken {
  wall: number;
  cpu: number;
  peak: number;
}

const job = JSON.parse(process.argv[2]!) as PhaseJob;
const target = 'label';
const CELLS = { missing: ['', 'NA', 'N/A', 'NaN', 'null', '?'] };
const raw = { path: job.file, file: 'data.csv', delimiter: ',' };
const batches = Array.from({ length: countBatches(job.rows, job.batchSize) }, (_, i) => i + 1);
const tools = { files: localFiles };

const run = {
  typing: () =>
    inspectRaw(
      { ...raw, target, declared: {}, cells: CELLS, task: 'classification' },
      undefined,
      tools,
    ).columns,
  cutting: () => {
    mkdirSync(job.folder, { recursive: true });
    const { columns, rows, batchSize, folder } = job;
    const shape = { columns, target, cells: CELLS, batchSize, shuffleSeed: 42, rows, folder };
    return cutBatches({ ...raw, ...shape, batches }, undefined, tools).length;
  },
  encoding: () => {
    let bytes = 0;
    for (const batch of batches) {
      const file = `${job.folder}/batch_${batch}.csv`;
      const { columns } = job;
      const options = { target, cells: CELLS, testSize: 0.2, key: null };
      const part = encodePart({ bytes: readFileSync(file), file, columns, ...options });
      bytes += part.train.length + part.test.length + part.counts.length;
    }
    return bytes;
  },
}[job.phase];

const begun = performance.now();
const start = process.cpuUsage();
const answer = run();
const { user, system } = process.cpuUsage(start);
const taken: Taken = {
  wall: (performance.now() - begun) / 1000,
  cpu: (user + system) / 1e6,
  peak: (process.resourceUsage().maxRSS * 1024) / 1e6,
};
process.stdout.write(JSON.stringify({ taken, answer }));
