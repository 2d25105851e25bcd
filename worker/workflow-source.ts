import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SetupError } from '../contract/failures.ts';

export type WorkflowSource = { workflowBundle: { codePath: string } } | { workflowsPath: string };

/**
 * The workflow code: the bundle built ahead where this runs from dist/, else the source itself.
 * @param options.production refuses to do without the bundle
 * @throws SetupError when the bundle is missing
 */
export function workflowSource({ production }: { production: boolean }): WorkflowSource {
  if (import.meta.url.endsWith('.ts') && !production)
    return { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) };
  const codePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  throw new SetupError(`${codePath} is missing: build it with "npm run build"`);
}
