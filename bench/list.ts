import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatTable } from '../client/format.ts';
import { loadConfig } from '../config/environment.ts';
import { canonicalJson } from '../contract/canonical-json.ts';
import { sha256 } from '../store/hash.ts';
import { openStore, type Store } from '../store/index.ts';
import { inParallel } from '../store/parallel.ts';
import { latestKey, recordKey, type VersionRecord } from '../store/version-record.ts';
import type { VersionLine } from '../store/version-index.ts';
import { makeProject, ROOT, type Project } from '../test/support/project.ts';
import { setup } from '../test/support/stack.ts';
import { spreadOf } from './measure.ts';
import { keepResults } from './results.ts';

/**
 * Measures `list` and `status N` of the built client for a pipeline with many versions, compared with the
 * start of Node and of the client. `npm run bench:list [versions] [rounds]`.
 */

const versions = Number(process.argv[2] ?? 10_000);
const names = ['accuracy', 'balanced_accuracy', 'f1_macro', 'precision_macro', 'recall_macro'];
const rounds = Number(process.argv[3] ?? 7);
const client = join(ROOT, 'dist', 'client.js');
if (!existsSync(client)) throw new Error('there is no dist/client.js: npm run build');

const teardown = await setup();
const project = await makeProject('bench-list');
try {
  await fill(project);
  await measure(project);
} finally {
  await project.close();
  await teardown();
}

/** Writes the records, pointers and index of many versions without running them. */
async function fill(of: Project): Promise<void> {
  const store = openStore(loadConfig(of.folder, of.env).storage);
  const lines = Array.from({ length: versions }, (_, i) => lineOf(i + 1));
  await inParallel(lines, 16, async (line) => {
    const { version, seq } = line;
    await put(store, recordKey('iris', version, seq), recordOf(line));
    await put(store, latestKey('iris', version), { schema: 1, latest: 1, builds: ['b'] });
  });
  await put(store, 'versions/iris/index.json', { schema: 1, pipeline: 'iris', versions: lines });
  store.bucket.close();
}

async function put({ bucket }: Store, key: string, document: unknown): Promise<void> {
  const bytes = Buffer.from(canonicalJson(document));
  await bucket.put(key, bytes, { sha256: sha256(bytes), contentType: 'application/json' });
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
  };
}

function recordOf({ version, seq, created_at, metrics }: VersionLine): VersionRecord {
  return {
    schema: 1,
    pipeline: 'iris',
    version,
    seq,
    build: 'b',
    ledger_revision: version,
    params: {},
    params_hash: 'p',
    stages: [],
    metrics,
    workflow: { workflow_id: `iris-batch-${version}`, run_id: 'r' },
    git_commit: null,
    forced: false,
    attempt: 'a',
    mlflow: null,
    healed: [],
    created_at,
  };
}

/** Runs a process to its end and returns its time in milliseconds. */
async function timed(of: Project, ...args: string[]): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { cwd: of.folder, env: of.env, stdio: 'ignore' });
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${String(code)}`);
  return performance.now() - begun;
}

async function measure(of: Project): Promise<void> {
  const commands: [string, string[]][] = [
    ['node, doing nothing', ['-e', '0']],
    ['client --help', [client, '--help']],
    ['client list', [client, 'list']],
    ['client list --json', [client, 'list', '--json']],
    [`client status ${versions}`, [client, 'status', String(versions)]],
  ];
  const times: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++)
    for (const [name, args] of commands) (times[name] ??= []).push(await timed(of, ...args));
  const spreads = Object.fromEntries(
    Object.entries(times).map(([name, values]) => [name, spreadOf(values)]),
  );
  const rows = Object.entries(spreads).map(([name, { runs, min, median, max }]) => [
    name,
    runs,
    ...[min, median, max].map((ms) => ms.toFixed(0)),
  ]);
  process.stdout.write(`${formatTable(['ms', 'runs', 'min', 'median', 'max'], rows)}\n`);
  keepResults('list', { versions, spreads });
}
