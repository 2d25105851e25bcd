import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A DVC repository with the merged data of each version as one file, which is the usual way. */
export interface Merged {
  /** Writes the merged data of a version. */
  prepare: (source: string, version: number, batchRows: number) => Promise<void>;
  /** Runs `dvc add` and `dvc push` and returns their times. */
  push: (version: number) => Promise<{ addMs: number; pushMs: number }>;
  remove: () => void;
}

/** @param store URL of the S3 server of the DVC remote, and an existing bucket */
export async function openMerged(store: { endpoint: string; bucket: string }): Promise<Merged> {
  const folder = mkdtempSync(join(tmpdir(), 'merged-'));
  const bin = join(process.env['RETRAIN_TEST_STACK_VENV']!, 'bin');
  const env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env['PATH']}`,
    DVC_NO_ANALYTICS: '1',
  };
  const dvc = async (...args: string[]): Promise<number> => {
    const begun = performance.now();
    await exec('dvc', [...args, '--quiet'], { cwd: folder, env });
    return performance.now() - begun;
  };
  await dvc('init', '--no-scm');
  await dvc('remote', 'add', '--default', 'store', `s3://${store.bucket}/dvc`);
  await dvc('remote', 'modify', 'store', 'endpointurl', store.endpoint);
  const fileOf = (version: number): string => `merged_${version}.csv`;
  return {
    prepare: (source, version, batchRows) =>
      head(source, join(folder, fileOf(version)), 1 + version * batchRows),
    push: async (version) => ({
      addMs: await dvc('add', fileOf(version)),
      pushMs: await dvc('push', fileOf(version)),
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function head(source: string, file: string, lines: number): Promise<void> {
  const out = createWriteStream(file);
  let left = lines;
  for await (const line of createInterface({ input: createReadStream(source) })) {
    if (left-- === 0) break;
    if (!out.write(`${line}\n`)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}
