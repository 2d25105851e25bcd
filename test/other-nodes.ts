import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fetchNode, nodePackage, root } from './support/nodes.ts';

/**
 * `npm run test:nodes`: the unit tests under the other releases of Node that are promised, each installed
 * as an npm package. One that cannot be installed (no network, no such package for this machine) is left out
 * with a note; a test that fails fails the command.
 */
const RELEASES = ['22.23.3', '24.21.0'];

const failed = RELEASES.filter((version) => {
  const node = fetchNode(version);
  if (node === undefined) {
    process.stderr.write(
      `note: ${nodePackage}@${version} cannot be installed: Node ${version} is not tried\n`,
    );
    return false;
  }
  process.stderr.write(`the unit tests under Node ${version}\n`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  // In CI it runs beside the servers' tests, with what these leave of the processor.
  const args = [vitest, 'run', '--project', 'unit', '--reporter=dot', '--test-timeout=300000'];
  return spawnSync(node, args, { cwd: root, stdio: 'inherit' }).status !== 0;
});
process.exitCode = failed.length > 0 ? 1 : 0;
