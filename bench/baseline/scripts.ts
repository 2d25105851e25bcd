import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { Task } from './sides.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const exec = promisify(execFile);

/** The plain scripts in their own DVC repository. */
export interface Scripts {
  /** Runs the shell loop for one batch. When a step fails, it throws with the step's output. */
  run: (batch: number) => Promise<void>;
  /** Cuts the batches before `batch`, with the result of their runs. */
  prepareBefore: (batch: number) => Promise<void>;
  remove: () => void;
}

/**
 * Copies the scripts into a temporary folder, with their params and a DVC remote.
 * @param store URL of the S3 server of the DVC remote, and an existing bucket
 */
export async function openScripts(
  task: Task,
  store: { endpoint: string; bucket: string },
): Promise<Scripts> {
  const folder = mkdtempSync(join(tmpdir(), 'scripts-'));
  for (const file of readdirSync(here).filter((name) => /\.(py|sh)$/.test(name)))
    cpSync(join(here, file), join(folder, file));
  writeFileSync(join(folder, 'params.yaml'), stringify(paramsOf(task)));
  const bin = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin');
  const env = {
    ...process.env,
    PYTHON: join(bin, 'python'),
    PATH: `${bin}${delimiter}${process.env['PATH']}`,
    DVC_NO_ANALYTICS: '1',
  };
  const sh = async (command: string, ...args: string[]): Promise<void> => {
    // Not the blocking kind, because the byte meter runs in this process.
    await exec(command, args, { cwd: folder, env, maxBuffer: 64 * 2 ** 20 });
  };
  await sh('dvc', 'init', '--no-scm', '--quiet');
  await sh('dvc', 'remote', 'add', '--quiet', '--default', 'store', `s3://${store.bucket}/dvc`);
  await sh('dvc', 'remote', 'modify', '--quiet', 'store', 'endpointurl', store.endpoint);
  return {
    run: (batch) => sh('bash', 'run_batch.sh', String(batch)),
    prepareBefore: (batch) => sh('python', 'prepare_before.py', String(batch)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function paramsOf({ name, source, target, batchSize, maxDepth, seed }: Task): unknown {
  return {
    data: { source, target, batch_size: batchSize, shuffle_seed: seed },
    split: { test_size: 0.2 },
    model: { max_depth: maxDepth },
    mlflow: {
      tracking_uri: process.env['MLFLOW_TRACKING_URI'],
      experiment_name: `scripts-${process.env['MLFLOW_EXPERIMENT_NAME'] ?? process.pid}-${name}`,
    },
  };
}
