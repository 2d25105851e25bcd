import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * `npm run test:nodes`: the unit tests under the other releases of Node that are promised, each brought
 * as an npm package. One that cannot be had (no network, no such package for this machine) is left out
 * with a note; a test that fails fails the command.
 */
const RELEASES = ['22.23.3', '24.21.0'];

const root = fileURLToPath(new URL('..', import.meta.url));
const name = `node-${process.platform}-${process.arch}`;
const failed = RELEASES.filter((version) => {
  const node = bring(version);
  if (node === undefined) {
    process.stderr.write(
      `note: ${name}@${version} is not to be had: Node ${version} is not tried\n`,
    );
    return false;
  }
  process.stderr.write(`the unit tests under Node ${version}\n`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', 'unit', '--reporter=dot'];
  return spawnSync(node, args, { cwd: root, stdio: 'inherit' }).status !== 0;
});
process.exitCode = failed.length > 0 ? 1 : 0;

function bring(version: string): string | undefined {
  const folder = join(root, '.stack', 'nodes', version);
  const node = join(folder, 'node_modules', name, 'bin', 'node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  spawnSync('npm', ['install', '--prefix', folder, ...quiet, `${name}@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return existsSync(node) ? node : undefined;
}
