import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The project folder, where params.yaml and .stack/ are: RETRAIN_ROOT, or that of the program, which
 * when built lies in dist/ inside it.
 */
export function projectRoot(programUrl: string, env: NodeJS.ProcessEnv = process.env): string {
  const here = dirname(fileURLToPath(programUrl));
  return env['RETRAIN_ROOT'] ?? (basename(here) === 'dist' ? dirname(here) : here);
}

/** Where the local stack of a project keeps its state. */
export function stackDir(root: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['RETRAIN_STACK_DIR'] ?? join(root, '.stack'));
}
