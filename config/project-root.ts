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

/**
 * The folders of a process for files that may be deleted: RETRAIN_WORK_DIR, or `.retrain/` of the project. Temporary
 * files can be as large as the data; the cache may be elsewhere, because workers of one machine may share it.
 */
export function findWorkFolders(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
): { scratch: string; cache: string } {
  const work = resolve(env['RETRAIN_WORK_DIR'] || join(root, '.retrain'));
  return {
    scratch: join(work, 'scratch'),
    cache: resolve(env['RETRAIN_CACHE_DIR'] || join(work, 'cache')),
  };
}

/** Where the local stack of a project keeps its state. */
export function stackDir(root: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['RETRAIN_STACK_DIR'] ?? join(root, '.stack'));
}
