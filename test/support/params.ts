import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The params.yaml of the repository. Where there is no repository, it is the file, which its user may have changed. */
export function readCommittedParams(): string {
  const { status, stdout } = spawnSync('git', ['show', 'HEAD:params.yaml'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return status === 0 ? stdout : readFileSync(`${ROOT}/params.yaml`, 'utf8');
}
