import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Project } from './project.ts';

/** Runs a script of a page as it is typed, with the stock programs of the test stack, and returns what it prints. */
export async function runScript(
  { env, folder }: Pick<Project, 'env' | 'folder'>,
  script: string,
): Promise<string> {
  const all = {
    ...env,
    PATH: `${join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin')}:${process.env['PATH']}`,
    TEMPORAL_CONFIG_FILE: join(folder, 'none.toml'),
  };
  return (await promisify(execFile)('bash', ['-ec', script], { env: all })).stdout;
}
