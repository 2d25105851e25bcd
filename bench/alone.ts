import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs a TypeScript file in a process of its own, so that neither its memory nor what the engine has learnt is
 * that of another.
 * @param job its one argument, as JSON
 * @returns the JSON it prints
 */
export function runAlone(script: URL, job: object): unknown {
  const args = ['--import', import.meta.resolve('tsx'), fileURLToPath(script), JSON.stringify(job)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}
