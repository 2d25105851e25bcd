import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '../client/format.ts';
import { loadConfig } from '../config/environment.ts';
import { overwriteDocument } from '../store/documents.ts';
import { sha256 } from '../store/hash.ts';
import { openStore } from '../store/index.ts';
import { inParallel } from '../store/parallel.ts';
import { latestKey, recordKey, type VersionRecord } from '../store/version-record.ts';
import { makeIndexKey, type VersionLine } from '../store/version-index.ts';
import { draftRecord } from '../test/store/made-records.ts';
import { COMMAND, makeProject, type Project } from '../test/support/project.ts';
import { setup, venv } from '../test/support/stack.ts';
import { type Spread, spreadOf } from './measure.ts';
import { describeVenv } from '../infra/python.ts';
import { keepResults } from './results.ts';

/**
 * Measures what commands cost: beside `dvc --version` and `mlflow --version`, and with many versions in the store.
 * Medians in milliseconds, on the wall and of the processor. `npm run bench:cli [-- --quick] [--versions=N] [--rounds=N]`.
 */

const { values: asked } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    versions: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const versions = Number(asked.versions ?? (asked.quick ? 1_000 : 10_000));
const rounds = Number(asked.rounds ?? (asked.quick ? 2 : 7));
const names = ['accuracy', 'balanced_accuracy', 'f1_macro', 'precision_macro', 'recall_macro'];
const client = [process.execPath, COMMAND];
const scripts = join(describeVenv(venv).dir, 'bin');

type Measured = Record<string, { wall: Spread; cpu: Spread }>;

const teardown = await setup();
const project = await makeProject('bench-cli');
try {
  await project.startWorker();
  await project.runJson('1');
  const few = measure(project, {
    'node, doing nothing': [process.execPath, '-e', '0'],
    'retrain --help': [...client, '--help'],
    'retrain list': [...client, 'list'],
    'retrain status 1': [...client, 'status', '1'],
    'retrain run 1, cached': [...client, 'run', '1'],
    'retrain complete -- sta': [...client, 'complete', '--', 'sta'],
    'dvc --version': [join(scripts, 'dvc'), '--version'],
    'mlflow --version': [join(scripts, 'mlflow'), '--version'],
  });
  printTable('ms', few);
  await fill(project);
  const many = measure(project, {
    'retrain list': [...client, 'list'],
    'retrain list --json': [...client, 'list', '--json'],
    'retrain status': [...client, 'status', String(versions)],
  });
  printTable(`ms, ${versions} versions`, many);
  keepResults('cli', { versions, few, many });
} finally {
  await project.close();
  await teardown();
}

/** Writes the records, pointers and index of many versions without running them. */
async function fill(of: Project): Promise<void> {
  const store = openStore(loadConfig(of.folder, of.env).storage);
  const lines = Array.from({ length: versions }, (_, i) => lineOf(i + 1));
  await inParallel(lines, 16, async (line) => {
    const { version, seq, metrics, created_at } = line;
    const parts = { pipeline: 'iris', version, build: 'b', metrics, created_at };
    const record: VersionRecord = { schema: 3, seq, ...draftRecord(parts) };
    const builds = { schema: 1, latest: 1, builds: ['b'] };
    await overwriteDocument(store.bucket, recordKey('iris', version, seq), record);
    await overwriteDocument(store.bucket, latestKey('iris', version), builds);
  });
  await overwriteDocument(store.bucket, makeIndexKey('iris'), {
    schema: 2,
    pipeline: 'iris',
    params: { none: {} },
    versions: lines.map((line) => ({ ...line, params: 'none' })),
  });
  store.bucket.close();
}

function lineOf(version: number): VersionLine {
  const scores = [...names, ...names.map((name) => `new_batch_${name}`)];
  return {
    version,
    seq: 1,
    created_at: new Date(Date.UTC(2026, 0, 1) + version * 60_000).toISOString(),
    rows: version * 40,
    metrics: {
      ...Object.fromEntries(scores.map((name) => [name, 1 - 1 / (version + 3)])),
      test_rows: version * 10,
    },
    model_version: String(version),
    run_id: sha256(Buffer.from(String(version))).slice(0, 32),
    ledger_revision: version,
    outcome: null,
    params: {},
    compared: null,
  };
}

/** Runs a process to its end, and returns its milliseconds on the wall and of the processor, its own processes included. */
function timed(of: Project, command: readonly string[]): { wall: number; cpu: number } {
  const begun = performance.now();
  // Node does not report what a child used, and bash does.
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>/dev/null';
  const ran = spawnSync('bash', ['-c', script, 'bash', ...command], {
    cwd: of.folder,
    env: { ...of.env, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  const wall = performance.now() - begun;
  if (ran.status !== 0) throw new Error(`${command.join(' ')} ended with ${String(ran.status)}`);
  const [user, system] = ran.stderr.trim().split(' ').map(Number);
  return { wall, cpu: 1000 * (user! + system!) };
}

function measure(of: Project, commands: Record<string, string[]>): Measured {
  const taken: Record<string, { wall: number; cpu: number }[]> = {};
  for (let round = 0; round < rounds; round++)
    for (const [name, command] of Object.entries(commands))
      (taken[name] ??= []).push(timed(of, command));
  const spreads = Object.entries(taken).map(([name, times]) => [
    name,
    { wall: spreadOf(times.map(({ wall }) => wall)), cpu: spreadOf(times.map(({ cpu }) => cpu)) },
  ]);
  return Object.fromEntries(spreads) as Measured;
}

function printTable(title: string, measured: Measured): void {
  const rows = Object.entries(measured).map(([name, { wall, cpu }]) => [
    name,
    wall.median.toFixed(0),
    cpu.median.toFixed(0),
  ]);
  process.stdout.write(`${formatTable([title, 'wall', 'processor'], rows)}\n\n`);
}
