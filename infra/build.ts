import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

/**
 * The half of `npm run build` that the compiler does not do: bundles the workflow code ahead, so that a
 * production worker starts at once and runs exactly what was built, and copies what is not TypeScript.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

const { code } = await bundleWorkflowCode({ workflowsPath: join(root, 'workflows', 'index.ts') });
mkdirSync(dist, { recursive: true });
writeFileSync(join(dist, 'workflow-bundle.js'), code);

const files = [
  'tracking/tree_model.py',
  'sources/datasets/iris.csv',
  'infra/backup.py',
  'infra/bootstrap.txt',
  'infra/requirements.txt',
];
for (const file of files) {
  mkdirSync(join(dist, file, '..'), { recursive: true });
  copyFileSync(join(root, file), join(dist, file));
}
process.stderr.write('built dist/\n');
