import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describeVenv } from '../infra/python.ts';
import { venv } from '../test/support/stack.ts';

/**
 * Runs a TypeScript file in a new process, so that it shares neither memory nor compiled code with other
 * measurements.
 * @param job its one argument, as JSON
 * @returns the JSON it prints
 */
export function runAlone(script: URL, job: object): unknown {
  return JSON.parse(execFileSync(process.execPath, listArgs(script, job), { encoding: 'utf8' }));
}

/** Runs a TypeScript file like {@link runAlone}, while this process does other things. */
export async function runMeanwhile(script: URL, job: object): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, listArgs(script, job));
  return JSON.parse(stdout);
}

function listArgs(script: URL, job: object): string[] {
  return ['--import', import.meta.resolve('tsx'), fileURLToPath(script), JSON.stringify(job)];
}

/**
 * Runs one of the scripts beside this file with a Python that has scikit-learn (RETRAIN_BENCH_PYTHON, or
 * the local stack's), on one thread.
 * @param job the input of the script
 * @returns the JSON it prints
 */
export function runSklearn(script: string, job: Record<string, unknown>): unknown {
  const python =
    process.env['RETRAIN_BENCH_PYTHON'] ?? join(describeVenv(venv).dir, 'bin', 'python');
  const file = fileURLToPath(new URL(script, import.meta.url));
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  return JSON.parse(execFileSync(python, [file, JSON.stringify(job)], { env, encoding: 'utf8' }));
}
