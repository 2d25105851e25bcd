import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SetupError } from '../contract/failures.ts';
import { bringUp } from './bring-up.ts';
import { ensureCredentials } from './credentials.ts';
import { settleInnerPorts } from './inner-ports.ts';
import { withLock } from './lock.ts';
import { makeParts, type Part } from './parts/index.ts';
import { choosePorts } from './ports.ts';
import { ensurePrograms } from './programs.ts';
import { chooseS3 } from './s3-kind.ts';
import { readState, writeState } from './state.ts';
import type { PartName, Report, UpOptions } from './types.ts';

/**
 * Brings the local stack up and waits until every part is healthy: starts what is missing, starts
 * again what has died or was started otherwise, leaves the rest alone. A part that fails does not take
 * the others with it: mend what the error says and call again.
 * @throws SetupError for whatever the machine lacks; BadParams for an impossible port.
 */
export async function stackUp(options: UpOptions): Promise<void> {
  const { root, dir = join(root, '.stack'), report = () => {} } = options;
  if (process.platform === 'win32') {
    throw new SetupError('the local stack runs on Linux and macOS: on Windows, use WSL 2');
  }
  mkdirSync(dir, { recursive: true });
  await withLock(
    join(dir, 'lock'),
    async () => {
      const parts = await prepare(dir, options, report);
      await bringUpAll(dir, parts, report);
    },
    (pid) => {
      const line = `waiting for process ${pid}, which is starting or stopping this stack`;
      report({ part: 'stack', state: 'working', line });
    },
  );
}

async function prepare(dir: string, options: UpOptions, report: Report): Promise<Part[]> {
  const last = readState(dir);
  const { root } = options;
  const ports = choosePorts(options.ports, last?.ports);
  const s3 = chooseS3(dir, options.s3);
  const base = options.venv ?? last?.venv ?? join(dir, 'venv');
  const mlflow = options.mlflow !== false;
  const venv = await ensurePrograms(base, { mlflow, s3: s3.kind }, report);
  const inner = await settleInnerPorts(dir, last?.inner);
  const credentials = ensureCredentials(dir);
  writeState(dir, { schema: 1, root, venv: base, s3: s3.kind, ports, inner, mlflow });
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

/** All at once, each after those it needs. */
async function bringUpAll(dir: string, parts: Part[], report: Report): Promise<void> {
  const started = new Map<PartName, Promise<boolean>>();
  const errors: unknown[] = [];
  const start = async (part: Part): Promise<boolean> => {
    const needs = await Promise.all(
      part.needs.map((name) => started.get(name) ?? Promise.resolve(true)),
    );
    if (needs.includes(false)) return false;
    try {
      await bringUp(dir, part, report);
      return true;
    } catch (error) {
      errors.push(error);
      report({
        part: part.name,
        state: 'failed',
        line: `${part.title} does not run: ${messageOf(error).split('\n')[0]}`,
      });
      return false;
    }
  };
  for (const part of parts) started.set(part.name, start(part));
  await Promise.all(started.values());
  if (errors.length > 0) throw errors[0];
}
