import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeVenv } from '../infra/python.ts';
import { venv } from '../test/support/stack.ts';

/**
 * Runs a TypeScript file in a new process, so that it shares neither memory nor compiled code with other
 * measurements.
 * @param job its one argument, as JSON
 * @returns the JSON it prints
 */
export function runAlone(script: URL, job: object): unknown {
  const args = ['--import', import.meta.resolve('tsx'), fileURLToPath(script), JSON.stringify(job)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
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
