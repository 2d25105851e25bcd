import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BucketOptions } from '../../store/bucket.ts';
import { freePort, ROOT } from './project.ts';

/** An S3 server to hold the contract against. */
export interface S3Server {
  options: (bucket: string) => BucketOptions;
  stop: () => Promise<void>;
}

/** The S3 servers there are: the test stack's always, MinIO where a binary is found. */
export const S3_SERVERS: { name: string; open: () => Promise<S3Server> }[] = [
  { name: 'SeaweedFS', open: async () => stackServer() },
  ...(minioBinary() === undefined ? [] : [{ name: 'MinIO', open: startMinio }]),
];

if (minioBinary() === undefined)
  process.stderr.write(
    'note: no MinIO binary (PATH or .stack/bin/minio): its contract tests are left out\n',
  );

function stackServer(): S3Server {
  return {
    options: (bucket) => ({
      endpoint: process.env['AWS_ENDPOINT_URL_S3'],
      region: 'us-east-1',
      bucket,
      credentials: {
        accessKeyId: process.env['AWS_ACCESS_KEY_ID']!,
        secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY']!,
      },
    }),
    stop: async () => undefined,
  };
}

function minioBinary(): string | undefined {
  const built = join(ROOT, '.stack', 'bin', 'minio');
  if (existsSync(built)) return built;
  return spawnSync('minio', ['--version']).status === 0 ? 'minio' : undefined;
}

async function startMinio(): Promise<S3Server> {
  const [port, folder] = [await freePort(), mkdtempSync(join(tmpdir(), 'minio-'))];
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing-only' };
  const child = spawn(
    minioBinary()!,
    ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'],
    {
      env: {
        ...process.env,
        MINIO_ROOT_USER: credentials.accessKeyId,
        MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
      stdio: 'ignore',
    },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 30_000;
  while (!(await answers(`${endpoint}/minio/health/ready`))) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error('MinIO did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    options: (bucket) => ({ endpoint, region: 'us-east-1', bucket, credentials }),
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
