import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, type Ports } from '../../infra/ports.ts';
import { describeVenv } from '../../infra/python.ts';
import { addTestRequirements } from './python.ts';
import { stackDown, stackUp } from '../../infra/stack.ts';
import { stackEnv } from './stack-env.ts';

/** The project folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The folder of Python environments that every test stack shares with the project's own. */
export const venv = process.env['RETRAIN_TEST_VENV'] ?? join(root, '.stack', 'venv');

/** Ports for a stack beside others. */
export async function testPorts(): Promise<Ports> {
  const [temporal = 0, ui = 0, s3 = 0, mlflow = 0, health = 0] = await freePorts(5);
  return { temporal, ui, s3, mlflow, health };
}

/** A fresh folder for a stack, and a watch that ends what runs there even if this process is killed. */
export function testStackDir(): { dir: string; remove: () => Promise<void> } {
  const dir = mkdtempSync(join(tmpdir(), 'retrain stack '));
  const reaper = join(root, 'test', 'support', 'reaper.ts');
  const watch = spawn(process.execPath, ['--import', 'tsx', reaper, root, dir], {
    cwd: root,
    detached: true, // a Ctrl-C must not end it before its time
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  const remove = async (): Promise<void> => {
    await stackDown({ root, dir });
    rmSync(dir, { recursive: true, force: true });
    watch.stdin.end();
  };
  return { dir, remove };
}

/**
 * Builds the program of a folder: the tests run what is built, and what is built is what the source is now.
 */
export function buildProgram(folder = root): void {
  const args = ['--import', 'tsx', join('infra', 'build.ts')];
  execFileSync(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

/**
 * Vitest's global set-up: the program built, and one stack without the worker for all files, its addresses
 * in the environment. RETRAIN_TEST_STACK names the folder of one that is up already, to be used and left.
 */
export async function setup(): Promise<() => Promise<void>> {
  buildProgram();
  delete process.env['PYTHONDONTWRITEBYTECODE']; // dvc and mlflow are imported hundreds of times
  const standing = process.env['RETRAIN_TEST_STACK'];
  if (standing !== undefined) {
    useStackAt(standing);
    return async () => undefined;
  }
  const { dir, remove } = testStackDir();
  try {
    const report = ({ line }: { line: string }): void => console.error(`stack: ${line}`);
    await stackUp({
      root,
      dir,
      venv,
      ports: await testPorts(),
      s3: 'seaweedfs',
      worker: false,
      report,
    });
    addTestRequirements(describeVenv(venv).dir);
  } catch (error) {
    await remove();
    throw error;
  }
  useStackAt(dir);
  return remove;
}

function useStackAt(dir: string): void {
  Object.assign(process.env, stackEnv(dir), {
    RETRAIN_TEST_STACK: dir,
    RETRAIN_TEST_STACK_VENV: describeVenv(venv).dir,
    RETRAIN_STACK_DIR: dir,
    MLFLOW_DISABLE_TELEMETRY: 'true', // its thread changes the environment that others read
  });
}
