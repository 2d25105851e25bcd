/**
 * From CSV to encoded parts: megabytes of CSV a second of each phase (its columns typed, batches cut, batches
 * encoded), beside pandas reading the same file and writing it as Feather. Each phase has a process of its
 * own and takes its turn `--rounds` times; the seconds of the processor are what to compare on a machine that
 * does other things too. `npm run bench:tables [-- --mb 150] [--rounds 3] [--quick] [--big GB]`
 *
 * `--big` measures the first two phases alone on a file of so many gigabytes, for their memory.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable as print } from '../client/format.ts';
import type { Column } from '../pipeline/batches/columns.ts';
import { runAlone, runSklearn as runPython } from './run-script.ts';
import { spreadOf } from './measure.ts';
import { keepResults } from './results.ts';
import { type Kind, writeCsv } from './tables/data.ts';
import type { PhaseJob, Taken } from './tables/phase.ts';

/** Rows of a batch. */
const BATCH = 100_000;

const { values } = parseArgs({
  options: {
    mb: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    big: { type: 'string' },
  },
});

const megabytesAsked = Number(values.mb ?? (values.quick ? 20 : 150));
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));

/** What one phase took, the median of the rounds. */
interface Measured extends Taken {
  kind: Kind;
  phase: string;
  megabytes: number;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-tables-'));
try {
  const big = values.big === undefined ? undefined : Number(values.big) * 1e9;
  const measured =
    big === undefined
      ? (['numbers', 'mixed', 'digits'] as const).flatMap((kind) => measure(kind))
      : measureBig(big);
  const head = ['table', 'MB', 'phase', 'MB/s', 'MB/processor s', 'peak MB'];
  const body = measured.map(({ kind, megabytes, phase, wall, cpu, peak }) => [
    kind,
    megabytes.toFixed(0),
    phase,
    (megabytes / wall).toFixed(1),
    (megabytes / cpu).toFixed(1),
    peak.toFixed(0),
  ]);
  process.stdout.write(`${print(head, body)}\n`);
  const about = 'seconds on the wall and of the processor, median, and MB resident at the peak';
  keepResults(big === undefined ? 'tables' : 'tables_big', { unit: about, batch: BATCH, measured });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function measure(kind: Kind): Measured[] {
  const file = join(folder, `${kind}.csv`);
  const rows = writeCsv(file, kind, megabytesAsked * 1e6);
  const taken: Record<string, Taken[]> = {};
  const note = (phase: string, one: Taken): void => void (taken[phase] ??= []).push(one);
  for (let round = 0; round < rounds; round++) {
    const job = { file, folder: join(folder, `${kind}-${round}`), rows, batchSize: BATCH };
    const typing = runPhase({ ...job, phase: 'typing', columns: [] });
    note('ours: typing', typing.taken);
    const columns = typing.answer as Column[];
    note('ours: cutting', runPhase({ ...job, phase: 'cutting', columns }).taken);
    note('ours: encoding', runPhase({ ...job, phase: 'encoding', columns }).taken);
    const theirs = runPython('tables/pandas_phase.py', { file }) as Record<string, Taken>;
    for (const [phase, one] of Object.entries(theirs)) note(`pandas: ${phase}`, one);
    rmSync(job.folder, { recursive: true });
  }
  const megabytes = statSync(file).size / 1e6;
  rmSync(file);
  return Object.entries(taken).map(([phase, all]) => ({ kind, phase, megabytes, ...median(all) }));
}

function measureBig(size: number): Measured[] {
  const kind = 'mixed';
  const file = join(folder, 'big.csv');
  const rows = writeCsv(file, kind, size);
  const job = { file, folder: join(folder, 'cut'), rows, batchSize: BATCH };
  const typing = runPhase({ ...job, phase: 'typing', columns: [] });
  const columns = typing.answer as Column[];
  const cutting = runPhase({ ...job, phase: 'cutting', columns });
  const megabytes = statSync(file).size / 1e6;
  return [
    { kind, phase: 'ours: typing', megabytes, ...typing.taken },
    { kind, phase: 'ours: cutting', megabytes, ...cutting.taken },
  ];
}

function median(all: readonly Taken[]): Taken {
  const of = (name: keyof Taken): number => spreadOf(all.map((one) => one[name])).median;
  return { wall: of('wall'), cpu: of('cpu'), peak: of('peak') };
}

function runPhase(job: PhaseJob): { taken: Taken; answer: unknown } {
  const script = new URL('./tables/phase.ts', import.meta.url);
  return runAlone(script, job) as { taken: Taken; answer: unknown };
}
