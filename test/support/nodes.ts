import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The npm package that holds a Node for this machine. */
export const nodePackage = `node-${process.platform}-${process.arch}`;

/** Returns the path of this release of Node, installed as an npm package; undefined if it cannot be installed. */
export function fetchNode(version: string): string | undefined {
  const folder = join(root, '.stack', 'nodes', version);
  const node = join(folder, 'node_modules', nodePackage, 'bin', 'node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  spawnSync('npm', ['install', '--prefix', folder, ...quiet, `${nodePackage}@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return existsSync(node) ? node : undefined;
}
