import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadParams, messageOf, SetupError } from '../contract/failures.ts';
import { withFileLock } from '../store/file-lock.ts';
import { ensureCertificate } from './certificate.ts';
import { minioPart } from './parts/minio.ts';
import { mlflowPart } from './parts/mlflow.ts';
import type { Part, Plan } from './parts/part.ts';
import { seaweedPart } from './parts/seaweedfs.ts';
import { temporalPart } from './parts/temporal.ts';
import { workerPart } from './parts/worker.ts';
import {
  choosePorts,
  DEFAULT_PORTS,
  hasInnerPorts,
  settleInnerPorts,
  type Ports,
} from './ports.ts';
import { findProcess, logFile, listMembers } from './process.ts';
import { chooseS3, ensurePrograms } from './programs.ts';
import { describeVenv } from './python.ts';
import type { PartName, PartStatus, Report, S3Kind } from './report.ts';
import { startPart, type StartOptions, stopPart } from './run-part.ts';
import {
  ensureCredentials,
  ensureOwnFolder,
  readStackState,
  writeStackState,
} from './stack-folder.ts';

export interface StackOptions {
  /** Folder of the stack's state, absolute. Default: `<root>/.stack`. */
  dir?: string;
  /** The project folder, where worker.ts and params.yaml are. */
  root: string;
  /** Receives each step. Default: nothing does. */
  report?: Report;
}

export interface UpOptions extends StackOptions {
  /** Ports asked for; they win over RETRAIN_PORT_*, and those over what the stack used last. */
  ports?: Partial<Ports>;
  /** S3 server for a new stack. Default: MinIO when a `minio` is on PATH, else SeaweedFS. */
  s3?: S3Kind;
  /** Whether to run the worker too. Default: true. */
  worker?: boolean;
  /** Whether to run MLflow's server: not where all runs are tracked elsewhere. Default: true. */
  mlflow?: boolean;
  /** Folder of Python environments with the servers; stacks may share it. Default: `<dir>/venv`. */
  venv?: string;
  /** Return as soon as a run can begin: logging waits for MLflow, which takes longest to start. */
  soon?: boolean;
  /** Restart this part, and leave the others as they are. */
  restart?: PartName;
  /** Variables for the worker, over those the stack gives it. */
  workerEnv?: Record<string, string>;
}

/**
 * Starts the local stack and waits until every part is healthy. A part that is healthy and was started
 * with the same settings keeps running; any other is started again. When one part fails, the others
 * still start: repair what the error says and call again.
 * @throws SetupError when the machine lacks something; BadParams for an impossible port.
 */
export async function stackUp(options: UpOptions): Promise<void> {
  const { root, dir = join(root, '.stack'), report = () => {} } = options;
  if (process.platform === 'win32') {
    throw new SetupError('the local stack runs on Linux and macOS: on Windows, use WSL 2');
  }
  ensureOwnFolder(dir);
  await withFileLock(
    join(dir, 'lock'),
    () =>
      prepareAndStart(dir, options, report).catch(async (error: unknown) => {
        const ended = error instanceof SetupError && error.details['endedWhileStarting'];
        if (!hasInnerPorts(ended)) throw error;
        // Another program may have taken an internal port after it was chosen. Now others are chosen.
        report({
          part: 'stack',
          state: 'working',
          line: 'trying once more, on other internal ports',
        });
        await prepareAndStart(dir, options, report);
      }),
    (pid) => {
      const line = `waiting for process ${pid}, which is starting or stopping this stack`;
      report({ part: 'stack', state: 'working', line });
    },
  );
}

async function prepareAndStart(dir: string, options: UpOptions, report: Report): Promise<void> {
  const parts = await prepare(dir, options, report);
  const { restart, soon = false } = options;
  const wanted = parts.filter(({ name }) => restart === undefined || name === restart);
  if (wanted.length === 0)
    throw new BadParams(`the stack runs without ${restart}: there is nothing to restart`);
  await startAll(dir, wanted, report, ({ name }) => ({
    restart: name === restart,
    wait: !(soon && name === 'mlflow'),
  }));
}

async function prepare(dir: string, options: UpOptions, report: Report): Promise<Part[]> {
  const last = readStackState(dir);
  const { root } = options;
  const ports = choosePorts(options.ports, last?.ports);
  const s3 = chooseS3(dir, options.s3);
  const base = options.venv ?? last?.venv ?? join(dir, 'venv');
  const mlflow = options.mlflow !== false;
  const venv = await ensurePrograms(base, { mlflow, s3: s3.kind }, report);
  const inner = await settleInnerPorts(dir, last?.inner);
  const credentials = ensureCredentials(dir);
  ensureCertificate(dir);
  writeStackState(dir, { schema: 1, root, venv: base, s3: s3.kind, ports, inner, mlflow });
  const plan = { dir, root, ports, inner, credentials, venv };
  if (!mlflow) {
    const line = 'MLflow is not started: params.yaml tracks runs in a directory';
    report({ part: 'mlflow', state: 'stopped', line });
  }
  const unwanted = [...(mlflow ? [] : ['mlflow']), ...(options.worker === false ? ['worker'] : [])];
  return makeParts(plan, s3.minio, options.workerEnv).filter(
    ({ name }) => !unwanted.includes(name),
  );
}

/** Every part of a stack; `minio` is the path of that program when MinIO keeps the objects. */
function makeParts(
  plan: Plan,
  minio: string | undefined,
  workerEnv?: Record<string, string>,
): Part[] {
  const s3 = minio === undefined ? seaweedPart(plan) : minioPart(plan, minio);
  return [temporalPart(plan), s3, mlflowPart(plan), workerPart(plan, workerEnv)];
}

/** Starts all parts at once; each waits for the parts it needs. */
async function startAll(
  dir: string,
  parts: Part[],
  report: Report,
  choose: (part: Part) => StartOptions,
): Promise<void> {
  const started = new Map<PartName, Promise<boolean>>();
  const errors: unknown[] = [];
  const start = async (part: Part): Promise<boolean> => {
    const needs = await Promise.all(
      part.needs.map((name) => started.get(name) ?? Promise.resolve(true)),
    );
    if (needs.includes(false)) return false;
    try {
      await startPart(dir, part, report, choose(part));
      return true;
    } catch (error) {
      errors.push(error);
      report({
        part: part.name,
        state: 'failed',
        line: `${part.title} does not run: ${inOneLine(error)}`,
      });
      return false;
    }
  };
  for (const part of parts) started.set(part.name, start(part));
  await Promise.all(started.values());
  if (errors.length > 0) throw errors[0];
}

/** The message of an error, with only the last line of a log that it quotes. */
function inOneLine(error: unknown): string {
  const [message = '', ...log] = messageOf(error).split('\n');
  return [message, ...log.slice(-1)].map((line) => line.trim()).join(' ');
}

/** A part that uses others ends before them. The times are for draining; no process is killed before them. */
const STOP_ORDER: [PartName, number][] = [
  ['worker', 75_000],
  ['mlflow', 15_000],
  ['s3', 15_000],
  ['temporal', 15_000],
];

/**
 * Ends every process of the stack and keeps its data. A stopped stack may be stopped again.
 * @returns the parts that were running.
 */
export async function stackDown(options: StackOptions): Promise<PartName[]> {
  const { root, dir = join(root, '.stack'), report = () => {} } = options;
  if (!existsSync(dir)) return [];
  return withFileLock(join(dir, 'lock'), async () => {
    const stopped: PartName[] = [];
    for (const [part, graceMs] of STOP_ORDER) {
      const runs = findProcess(dir, part) ?? (await listMembers(dir, part))[0];
      if (runs === undefined) continue;
      report({ part, state: 'stopping', line: `${part} ends` });
      const { killed } = await stopPart(dir, part, graceMs);
      stopped.push(part);
      const how = killed ? 'did not end when asked, and was killed' : 'has ended';
      report({ part, state: 'stopped', line: `${part} ${how}` });
    }
    return stopped;
  });
}

/** The present status of each part of the stack; starts and changes nothing. */
export async function stackStatus(options: StackOptions): Promise<PartStatus[]> {
  const { root, dir = join(root, '.stack') } = options;
  const state = readStackState(dir);
  const plan = {
    dir,
    root,
    ports: state?.ports ?? DEFAULT_PORTS,
    inner: state?.inner ?? {},
    credentials: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }, // nothing is started with them
    venv: describeVenv(state?.venv ?? join(dir, 'venv')),
  };
  const minio = state?.s3 === 'minio' ? 'minio' : undefined;
  const unused: PartName | undefined = state?.mlflow === false ? 'mlflow' : undefined;
  return Promise.all(
    makeParts(plan, minio).map(async (part) => {
      const status = await readStatus(dir, part);
      if (part.name !== unused || status.state !== 'stopped') return status;
      return { ...status, state: 'unused' as const, detail: 'runs are tracked in a directory' };
    }),
  );
}

async function readStatus(dir: string, part: Part): Promise<PartStatus> {
  const { name, title, url } = part;
  const running = findProcess(dir, name);
  if (running === undefined) {
    return { part: name, state: 'stopped', url, detail: `${title} does not run` };
  }
  const problem = await part.problem();
  const about = { part: name, url, pid: running.pid, since: running.since };
  return problem === undefined
    ? { ...about, state: 'running', detail: title }
    : { ...about, state: 'unhealthy', detail: `${problem}; its log is ${logFile(dir, name)}` };
}
