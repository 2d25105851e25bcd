import { loadConfigs, stackDir } from '../config/environment.ts';
import { stackDown, stackStatus, stackUp } from '../infra/stack.ts';
import { isDirectoryUri } from '../tracking/place.ts';
import { table } from './display.ts';
import { EXIT } from './exit.ts';
import { printJson, say } from './print.ts';

/** `stack up`, `stack down`, `stack status`: the local stack in `.stack/` of the project. */
export async function stack(
  name: 'up' | 'down' | 'status',
  root: string,
  { json }: { json?: boolean | undefined },
): Promise<number> {
  const dir = stackDir(root);
  const options = { dir, root, report: ({ line }: { line: string }) => say(line) };
  if (name === 'up') await stackUp({ ...options, ...trackingOf(root) });
  if (name === 'down') await stackDown(options);
  const parts = await stackStatus(options);
  if (json === true) printJson({ parts });
  else if (name === 'status')
    process.stdout.write(
      `${table(
        ['part', 'state', 'pid', 'address'],
        parts.map(({ part, state, pid, url }) => [part, state, pid ?? '', url]),
      )}\n`,
    );
  return name === 'status' && parts.some(({ state }) => state !== 'running' && state !== 'unused')
    ? EXIT.setup
    : 0;
}

/**
 * What the stack is told of tracking: whether some pipeline needs its MLflow, and where a variable of this
 * terminal sends the worker's runs.
 */
function trackingOf(root: string): { mlflow: boolean; workerEnv: Record<string, string> } {
  const config = loadConfigs(root);
  const names = config().pipelines ?? [undefined];
  const named = process.env['MLFLOW_TRACKING_URI'];
  return {
    mlflow: names.some((name) => !isDirectoryUri(config(name).tracking.uri)),
    workerEnv: named === undefined ? {} : { MLFLOW_TRACKING_URI: named },
  };
}
