import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { ResultDocument } from '../../client/result.ts';
import { loadConfig } from '../../config/environment.ts';
import { isFree } from '../../infra/ports.ts';
import { openStore, type Store } from '../../store/index.ts';
import { readCommittedParams } from './params.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a finished command left. */
export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A project folder (params.yaml and what the client writes), on the test stack's servers. */
export interface Project {
  folder: string;
  env: Record<string, string>;
  /** The name that the default pipeline's model is registered under. */
  model: string;
  /** Of the project's bucket. */
  readonly store: Store;
  /** On the project's namespace. */
  readonly temporal: Client;
  /** The workers started by `startWorker`. */
  workers: RunningWorker[];
  /** Runs the command line in the folder, as a person would. */
  client: (...args: string[]) => Promise<Ran>;
  /** Runs a command with `--json` that must succeed, and reads what it prints. */
  json: <T>(...args: string[]) => Promise<T>;
  /** Runs a batch (`run … --json`) that must succeed without an error, and reads what it prints. */
  runJson: (...args: string[]) => Promise<ResultDocument>;
  write: (name: string, content: string | Uint8Array) => string;
  /**
   * Replaces texts in params.yaml.
   * @throws Error when one of them is not in it
   */
  editParams: (changes: Record<string, string>) => void;
  /** Starts a worker with these flags, and waits until it polls. */
  startWorker: (...args: string[]) => Promise<RunningWorker>;
  /** Makes the folder and the namespace. */
  open: () => Promise<void>;
  /** Ends the workers (SIGTERM asks them to drain), closes the connections and removes the folder. */
  close: (signal?: NodeJS.Signals) => Promise<void>;
}

/** A name that no other test has: MLflow's registry and the test stack are shared. */
export function unique(name: string): string {
  return `${name}-${process.pid}-${Date.now().toString(36)}`;
}

/**
 * Makes a project with its own bucket, experiment, registered model and Temporal namespace, so
 * that no test sees another's runs and no worker takes another's tasks.
 */
export async function makeProject(
  name: string,
  overrides: Record<string, string> = {},
): Promise<Project> {
  const project = planProject(name, overrides);
  await project.open();
  return project;
}

/** Like {@link makeProject}, but the folder and the namespace are made later, by `open`. */
export function planProject(name: string, overrides: Record<string, string> = {}): Project {
  const id = unique(name);
  const folder = join(tmpdir(), `retrain ${name} ${id.slice(name.length + 1)}`); // spaces, as in many homes
  const env: Record<string, string> = {
    ...(process.env as Record<string, string>),
    RETRAIN_ROOT: folder,
    RETRAIN_STACK_DIR: join(folder, '.stack'),
    RETRAIN_SOURCE_PRIVATE_ADDRESSES: 'allow', // as on a laptop with a local stack
    RETRAIN_BUCKET: id,
    MLFLOW_EXPERIMENT_NAME: id,
    TEMPORAL_NAMESPACE: id,
    ...overrides,
  };
  const workers: RunningWorker[] = [];
  let store: Store | undefined;
  let temporal: Client | undefined;
  const client = (...args: string[]): Promise<Ran> => runClient(args, folder, env);
  const write = (file: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, file), content);
    return join(folder, file);
  };
  return {
    folder,
    env,
    model: id,
    workers,
    get store() {
      store ??= openStore(loadConfig(folder, env).storage);
      return store;
    },
    get temporal() {
      temporal ??= new Client({
        connection: Connection.lazy({ address: env['TEMPORAL_ADDRESS']! }),
        namespace: env['TEMPORAL_NAMESPACE']!,
      });
      return temporal;
    },
    client,
    json: async <T>(...args: string[]) =>
      JSON.parse((await succeed(client(...args, '--json'))).stdout) as T,
    runJson: async (...args) => {
      const ran = await succeed(client('run', ...args, '--json'));
      if (ran.stderr.includes('error'))
        throw new Error(`run ${args.join(' ')} said: ${ran.stderr}`);
      return JSON.parse(ran.stdout) as ResultDocument;
    },
    write,
    editParams: (changes) => {
      const params = readFileSync(join(folder, 'params.yaml'), 'utf8');
      write('params.yaml', replaceEach(params, changes));
    },
    startWorker: async (...args) => {
      const worker = await startWorker({ folder, env }, ...args);
      workers.push(worker);
      return worker;
    },
    open: async () => {
      mkdirSync(folder);
      write(
        'params.yaml',
        readCommittedParams().replace(/^ {2}model_name: null/m, `  model_name: ${id}`),
      );
      await registerNamespace(env['TEMPORAL_ADDRESS']!, id);
    },
    close: async (signal = 'SIGTERM') => {
      for (const worker of workers) worker.kill(signal);
      await Promise.all(workers.map(({ ended }) => ended));
      await temporal?.connection.close();
      store?.bucket.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function replaceEach(text: string, changes: Record<string, string>): string {
  for (const [before, after] of Object.entries(changes)) {
    if (!text.includes(before)) throw new Error(`params.yaml does not say ${before}`);
    text = text.replace(before, after);
  }
  return text;
}

/** What a command left, which must have ended well. */
export async function succeed(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.code !== 0) throw new Error(`exit code ${ran.code}:\n${ran.stdout}${ran.stderr}`);
  return ran;
}

async function registerNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  await connection.close();
}

/** The command line, as the tests' set-up has built it. */
export const COMMAND = join(ROOT, 'dist', 'client.js');

/**
 * Runs the command line in a folder: another machine's, where it is not the project's own.
 * @param leaveAt once stderr says this, Ctrl-C is pressed
 */
export function runClient(
  args: string[],
  cwd: string,
  env: Record<string, string>,
  leaveAt?: string,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...args], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      out.stderr += text;
      if (leaveAt === undefined || !out.stderr.includes(leaveAt)) return;
      leaveAt = undefined; // pressed twice, it would end at once
      child.kill('SIGINT');
    });
    child.once('error', reject).once('close', (code) => resolve({ code, ...out }));
  });
}

/** A worker process on the project's servers. */
export interface RunningWorker {
  pid: number;
  log: () => string;
  /** Asks it to drain, and waits until it has ended. */
  stop: () => Promise<void>;
  /** Its exit code once it has ended; null where a signal ended it. */
  ended: Promise<number | null>;
  kill: (signal: NodeJS.Signals) => void;
  /** What it answers for its health: the status code and its state. */
  health: (path: 'healthz' | 'readyz') => Promise<[number, string]>;
}

/** Workers that have not ended: they do with this process, frozen ones too. */
const alive = new Set<ChildProcess>();
process.once('exit', () => alive.forEach((child) => child.kill('SIGKILL')));

/** How often a worker is started again whose port for its health another process took meanwhile. */
const MOST_TRIES = 5;

/**
 * Starts a worker and waits until it polls.
 * @param project where; its `code` is the folder of another built program, where it is not ours
 * @param args its flags
 */
export async function startWorker(
  project: Pick<Project, 'folder' | 'env'> & { code?: string },
  ...args: string[]
): Promise<RunningWorker> {
  for (let tries = 1; ; tries++) {
    const worker = await tryToStart(project, args);
    if (worker.isReady) return worker;
    if (tries === MOST_TRIES || !worker.log().includes('cannot serve its health on port'))
      throw new Error(`the worker did not start:\n${worker.log().slice(-4_000)}`);
  }
}

async function tryToStart(
  project: Parameters<typeof startWorker>[0],
  args: readonly string[],
): Promise<RunningWorker & { isReady: boolean }> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [join(project.code ?? ROOT, 'dist', 'worker.js'), ...args],
    {
      cwd: project.folder,
      env: { ...project.env, RETRAIN_HEALTH_PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  alive.add(child);
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  void ended.then(() => alive.delete(child));
  const worker: RunningWorker = {
    pid: child.pid!,
    log: () => log,
    ended,
    kill: (signal) => child.kill(signal),
    health: async (path) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
      return [answer.status, ((await answer.json()) as { state: string }).state];
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
  const deadline = Date.now() + 90_000;
  while (child.exitCode === null && Date.now() < deadline) {
    if (await isReady(port)) return { ...worker, isReady: true };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (child.exitCode !== null) await ended; // all that it has said is in the log then
  return { ...worker, isReady: false };
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok;
  } catch {
    return false;
  }
}

/**
 * A port that is free now: above those that stacks choose, and below those of outgoing connections, so that hardly any
 * process takes it before the caller does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 23_000 + Math.floor(Math.random() * 7_000);
    if (await isFree(port)) return port;
  }
}
