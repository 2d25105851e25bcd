import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findHttpProblem } from '../health.ts';
import { DEFAULT_PORTS, namePortVariable } from '../ports.ts';
import { listAddresses } from '../stack-folder.ts';
import type { Part, Plan } from './part.ts';

/**
 * With these settings, glibc returns the memory of large tables and trees to the system when it is freed.
 * Other C libraries ignore them. https://man7.org/linux/man-pages/man3/mallopt.3.html
 */
const GLIBC = { MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '262144' };

/** Whether this program is built, and not run from its source. */
const BUILT = !import.meta.url.endsWith('.ts');

/** The folder of the program. The project folder may be another one, without any code. */
const PROGRAM = fileURLToPath(new URL(BUILT ? '../../..' : '../..', import.meta.url));

/** The command of the worker: built where this program is built, else from its source. */
function workerCommand(): string[] {
  if (BUILT) return [process.execPath, join(PROGRAM, 'dist', 'worker.js')];
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return [process.execPath, '--import', tsx, join(PROGRAM, 'worker.ts')];
}

/** The worker, which runs workflows and activities. */
export function workerPart(plan: Plan, extra: Record<string, string> = {}): Part {
  const { dir, root, ports } = plan;
  const url = `http://127.0.0.1:${ports.health}`;
  return {
    name: 'worker',
    title: 'worker',
    url,
    command: workerCommand(),
    cwd: root,
    env: {
      ...workerEnv(plan),
      RETRAIN_ROOT: root,
      RETRAIN_STACK_DIR: dir,
      RETRAIN_HEALTH_PORT: `${ports.health}`,
      ...GLIBC,
      ...extra,
    },
    // These could belong to another Temporal (keys, TLS, a profile), S3 account, or stack's MLflow.
    hide: new RegExp(
      `^(TEMPORAL_|AWS_(PROFILE|SESSION_TOKEN|ENDPOINT_URL)$|RETRAIN_STACK_MLFLOW_URI$${ports.mlflow === DEFAULT_PORTS.mlflow ? '' : '|MLFLOW_TRACKING_URI$'})`,
    ),
    ports: [{ port: ports.health, variable: namePortVariable('health') }],
    needs: ['temporal', 's3'],
    edition: () => (BUILT ? hashBuild() : hashSource()),
    problem: () => findHttpProblem(`${url}/readyz`),
    startMs: 120_000,
    stopMs: 75_000, // it drains for at most a minute
  };
}

/**
 * The stack's addresses without those that params.yaml names by default, because a variable wins over
 * that file: `tracking_uri: ./mlruns` in it must take effect. For MLflow, the worker reads the stack's
 * address itself when the file names no other.
 */
function workerEnv({ ports, credentials }: Plan): Record<string, string> {
  const { MLFLOW_TRACKING_URI: _, ...addresses } = listAddresses(ports);
  const all: Record<string, string> = { ...addresses, ...credentials };
  if (ports.s3 === DEFAULT_PORTS.s3) delete all['AWS_ENDPOINT_URL_S3'];
  return all;
}

const SOURCES = [
  'contract',
  'workflows',
  'activities',
  'sources',
  'pipeline',
  'compute',
  'store',
  'tracking',
  'config',
  'worker',
];

/** The files of a built worker. */
const BUNDLES = ['worker.js', 'workflow-bundle.js', 'compute/thread.js', 'compute/helper.js'];

/** A hash of the built worker's code: another build of the same code does not start the worker again. */
function hashBuild(): string {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', ...BUNDLES.map((name) => join('dist', name))])
    hash.update(readFileSync(join(PROGRAM, file)));
  return hash.digest('hex');
}

/**
 * A hash of the name, size and time of each source file of the worker (a few ms). When it changes, for
 * example after a `git pull`, the worker is started again and runs the new code.
 */
function hashSource(): string {
  const files = readdirSync(PROGRAM)
    .filter((name) => name.endsWith('.ts') || name === 'package-lock.json')
    .map((name) => join(PROGRAM, name));
  for (const folder of SOURCES) files.push(...sourcesUnder(join(PROGRAM, folder)));
  const hash = createHash('sha256');
  for (const file of files.sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
