import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import type { BucketOptions } from '../../store/bucket.ts';
import { needs } from './needs.ts';
import { freePort, ROOT } from './project.ts';

/** An S3 server to hold the contract against. */
export interface S3Server {
  options: (bucket: string) => BucketOptions;
  stop: () => Promise<void>;
}

interface NamedServer {
  name: string;
  open: () => Promise<S3Server>;
}

// CI builds MinIO beside the tests, and says which process does.
const builder = process.env['RETRAIN_TEST_MINIO_BUILD'];
if (builder !== undefined) await ended(Number(builder));

/** A suite that is held against each S3 server: the test stack's, and MinIO where there is a binary of it. */
export function describeOnEachS3(what: string, suite: (server: NamedServer) => void): void {
  const stack = { name: 'SeaweedFS', open: async () => stackServer() };
  const minio = { name: 'MinIO', open: startMinio };
  const missing =
    minioBinary() === undefined ? 'there is no MinIO on PATH or in .stack/bin' : undefined;
  describe(`${what} on SeaweedFS`, () => {
    suite(stack);
  });
  describe(`${what} on MinIO`, needs(missing), () => {
    suite(minio);
  });
}

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

async function ended(pid: number): Promise<void> {
  try {
    for (;;) {
      process.kill(pid, 0); // throws once there is no such process
      await sleep(500);
    }
  } catch {
    return;
  }
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
  // It says that it is ready before it answers requests for buckets with something else than 503.
  while (!(await answers(`${endpoint}/minio/health/ready`)) || (await isBusy(endpoint))) {
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

async function isBusy(url: string): Promise<boolean> {
  return (await fetch(url)).status === 503;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
