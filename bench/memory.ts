/**
 * Measures the peak memory of the stages, each compiled and in its own process, as in production. The bound
 * is 3 × 8 bytes for each value, and 300 MB. preprocess runs on a version with no encoded batch (5 000 rows
 * each); train grows a tree to its end and writes its JSON to a file; evaluate reads that file and scores a
 * fifth as many rows. `npm run bench:memory [-- --quick]`.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../client/format.ts';
import { ROOT } from '../test/support/project.ts';
import type { Case, Step, StepJob } from './memory/steps.ts';
import { keepResults } from './results.ts';

/** Megabytes. */
interface Measured extends Case, Record<'preprocess' | 'train' | 'train2' | 'evaluate', number> {
  /** Bytes of the model. */
  readonly json: number;
  readonly bound: number;
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
/** Of a table, for the largest take long to write. */
const MOST_VALUES = 20e6;
const sizes = values.quick ? [100_000] : [100_000, 1_000_000];
const measured: Measured[] = [];
const built = build();
try {
  for (const rows of sizes)
    for (const width of [4, 20, 100])
      for (const kind of ['classes', 'numbers'] as const)
        if (rows * width <= MOST_VALUES) measured.push(measure({ kind, rows, width }));
} finally {
  rmSync(built, { recursive: true, force: true });
}

const mb = (size: number): string => size.toFixed(0);
const head = [
  'target',
  'rows',
  'columns',
  'preprocess',
  'train',
  '2 threads',
  'bound',
  'evaluate',
  'model JSON',
];
const body = measured.map(
  ({ kind, rows, width, preprocess, train, train2, bound, evaluate, json }) => [
    kind,
    rows,
    width,
    ...[preprocess, train, train2, bound, evaluate, json].map(mb),
  ],
);
process.stdout.write(`MB, resident at the peak\n${formatTable(head, body)}\n`);
keepResults('memory', { unit: 'MB, resident at the peak', measured });

function measure(one: Case): Measured {
  const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'));
  const peakOf = (step: Step): number => run({ ...one, step, folder });
  try {
    peakOf('csv');
    const preprocess = peakOf('preprocess');
    peakOf('parts');
    const train2 = peakOf('train2');
    const train = peakOf('train');
    const json = statSync(join(folder, 'model.json')).size / 1e6;
    const evaluate = peakOf('evaluate');
    const bound = (24 * one.rows * one.width) / 1e6 + 300;
    const all = { ...one, preprocess, train, train2, evaluate, json, bound };
    process.stderr.write(`${JSON.stringify(all)}\n`);
    return all;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(job: StepJob): number {
  const script = join(built, 'bench', 'memory', 'steps.js');
  const text = execFileSync(process.execPath, [script, JSON.stringify(job)], { encoding: 'utf8' });
  return (JSON.parse(text) as { peak: number }).peak;
}

/** Compiles the steps and returns the folder, from which their packages must be found. */
function build(): string {
  const own = join(ROOT, '.retrain');
  mkdirSync(own, { recursive: true });
  const folder = mkdtempSync(join(own, 'bench-memory-'));
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  execFileSync(tsc, ['-p', join(ROOT, 'bench', 'memory'), '--outDir', folder]);
  return folder;
}
