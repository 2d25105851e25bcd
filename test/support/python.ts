import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const requirements = fileURLToPath(new URL('../requirements.txt', import.meta.url));

/** Adds what only tests need to the stack's Python environment; at once where it is there already. */
export function addTestRequirements(venv: string): void {
  const uv = join(venv, 'bin', 'uv');
  const args = [
    'pip',
    'install',
    '--system-certs',
    '--quiet',
    '--require-hashes',
    '-r',
    requirements,
  ];
  const python = join(venv, 'bin', 'python');
  const { status, stderr } = spawnSync(uv, [...args, '--python', python], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the tests' Python packages cannot be installed:\n${stderr}`);
}
