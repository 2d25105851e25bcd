import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SetupError } from '../../contract/failures.ts';
import { GRPC_OFFSET, type Ports } from '../../infra/ports.ts';
import { stackDown, stackStatus, stackUp } from '../../infra/stack.ts';
import { stackEnv } from '../support/stack-env.ts';
import { readStackState } from '../../infra/stack-folder.ts';
import type { PartName } from '../../infra/report.ts';
import { describeVenv } from '../../infra/python.ts';
import { root, testPorts, testStackDir, venv } from '../support/stack.ts';

const { dir, remove } = testStackDir();
let ports: Ports;
let lines: string[] = [];

const up = (asked: Partial<Ports> = ports, at = dir): Promise<void> => {
  lines = [];
  return stackUp({
    root,
    dir: at,
    venv,
    s3: 'seaweedfs',
    worker: false,
    ports: asked,
    report: ({ part, state }) => void lines.push(`${part} ${state}`),
  });
};
const restart = (part: PartName, soon = false): Promise<void> =>
  stackUp({ root, dir, venv, s3: 'seaweedfs', worker: false, restart: part, soon });
const states = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await stackStatus({ root, dir })).map(({ part, state }) => [part, state]));
const pidOf = async (name: PartName): Promise<number> =>
  (await stackStatus({ root, dir })).find(({ part }) => part === name)?.pid ?? 0;
const running = { temporal: 'running', s3: 'running', mlflow: 'running', worker: 'stopped' };

function s3(): S3Client {
  const env = stackEnv(dir);
  return new S3Client({
    endpoint: env.AWS_ENDPOINT_URL_S3,
    region: env.AWS_REGION,
    forcePathStyle: true,
    maxAttempts: 1, // "healthy" means that the first request works
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY },
  });
}

async function readBack(): Promise<string | undefined> {
  const object = await s3().send(new GetObjectCommand({ Bucket: 'kept', Key: 'key' }));
  return object.Body?.transformToString();
}

/** Whether a port answers the beginning of HTTP/2 without encryption with HTTP/2 frames, as open gRPC does. */
function answersPlainGrpc(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.on('data', () => end(true));
    socket.on('error', () => end(false)).on('close', () => end(false));
    socket.setTimeout(5_000, () => end(false));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
  });
}

async function experiments(path: string, body: object): Promise<string> {
  const response = await fetch(
    `${stackEnv(dir).MLFLOW_TRACKING_URI}/api/2.0/mlflow/experiments/${path}`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    },
  );
  return response.text();
}

beforeAll(async () => {
  ports = await testPorts();
  await up();
});
afterAll(remove);

describe('the local stack', () => {
  it('runs in a folder with spaces, with every part healthy', async () => {
    expect(dir).toContain(' ');
    expect(await states()).toEqual(running);
  });

  it('keeps closed histories for 30 days', () => {
    const flags = [
      '--address',
      stackEnv(dir).TEMPORAL_ADDRESS,
      '--disable-config-file',
      '-o',
      'json',
    ];
    const described = execFileSync(
      describeVenv(venv).temporal,
      ['operator', 'namespace', 'describe', '-n', 'default', ...flags],
      { encoding: 'utf8' },
    );
    expect(described).toMatch(/"workflowExecutionRetentionTtl": "2592000s"/);
  });

  it('starts nothing at a second up', async () => {
    const before = await pidOf('mlflow');
    await up({});
    expect(lines.sort()).toEqual(['mlflow ready', 's3 ready', 'temporal ready']);
    expect(await pidOf('mlflow')).toBe(before);
  });

  it('names the part whose port is in use, and keeps credentials out of logs and command lines', async () => {
    const other = testStackDir();
    const taken = up({ ...(await testPorts()), temporal: ports.temporal, ui: ports.ui }, other.dir);
    const error = await taken.catch((thrown: unknown) => thrown);
    await other.remove();
    expect(error).toBeInstanceOf(SetupError);
    expect((error as Error).message).toMatch(
      `port ${ports.temporal}, which temporal needs, is held by`,
    );

    const secret = stackEnv(dir).AWS_SECRET_ACCESS_KEY;
    expect(readFileSync(join(dir, 'logs', 's3.log'), 'utf8')).not.toContain(secret);
    expect(execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' })).not.toContain(secret);
    expect(statSync(join(dir, 'credentials')).mode & 0o777).toBe(0o600);
  });

  it('lets no other user of the machine read, change or delete what SeaweedFS stores', async () => {
    await s3().send(new CreateBucketCommand({ Bucket: 'closed' }));
    await s3().send(new PutObjectCommand({ Bucket: 'closed', Key: 'key', Body: 'value' }));
    const { inner } = readStackState(dir)!;
    const at = (port: string, path: string): string => `http://127.0.0.1:${inner[port]}${path}`;
    const tries: [method: string, url: string][] = [
      ...['GET', 'PUT', 'POST', 'DELETE'].flatMap((method): [string, string][] => [
        [method, at('seaweedFiler', '/buckets/closed/key')],
        [method, at('seaweedFiler', '/buckets/')],
        [method, at('seaweedVolume', '/1,01637037d6')],
        [method, at('seaweedAdmin', '/api/s3/buckets/closed')],
        [method, `${stackEnv(dir).AWS_ENDPOINT_URL_S3}/closed/key`],
      ]),
      ['GET', at('seaweedMaster', '/col/delete?collection=closed')],
      ['GET', at('seaweedMaster', '/dir/assign')],
      ['POST', at('seaweedMaster', '/submit')],
      ['GET', at('seaweedMaster', '/dir/status').replace('http:', 'https:')],
    ];
    for (const [method, url] of tries) {
      const status = await fetch(url, { method }).then(
        (response) => response.status,
        () => 'no answer',
      );
      expect([method, url, typeof status === 'string' || status >= 400]).toEqual([
        method,
        url,
        true,
      ]);
    }
    for (const name of [
      'seaweedMaster',
      'seaweedVolume',
      'seaweedFiler',
      'seaweedAdmin',
      'seaweedS3',
    ])
      expect([name, await answersPlainGrpc((inner[name] ?? 0) + GRPC_OFFSET)]).toEqual([
        name,
        false,
      ]);
    const object = await s3().send(new GetObjectCommand({ Bucket: 'closed', Key: 'key' }));
    expect(await object.Body?.transformToString()).toBe('value');
  });

  it('keeps its databases, objects, keys and logs for its owner alone', () => {
    const modes = readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, entry.isDirectory() || entry.isFile() ? statSync(path).mode & 0o077 : 0];
    });
    expect(modes.length).toBeGreaterThan(20);
    // SeaweedFS sets the mode of `.vif` itself: the id of a volume, in a folder that nobody else may enter.
    const others = modes.filter(([path, mode]) => mode !== 0 && !/lock$|\.vif$/.test(`${path}`));
    expect(others).toEqual([]);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
  });

  it('restarts one part alone, and need not wait for MLflow', async () => {
    const pids = async (): Promise<number[]> =>
      Promise.all((['temporal', 's3', 'mlflow'] as const).map(pidOf));
    const before = await pids();
    await restart('mlflow', true);
    const after = await pids();
    expect(after.map((pid, i) => pid === before[i])).toEqual([true, true, false]);
    // An MLflow that is starting is waited for, and not started again because it does not answer yet.
    await up({});
    expect(await pids()).toEqual(after);
    expect(await states()).toEqual(running);
  });

  it('chooses other internal ports where a program takes one after it was chosen', async () => {
    const other = testStackDir();
    const thief = createServer();
    const chosen = (): number | undefined => readStackState(other.dir)?.inner['seaweedFiler'];
    const steal = async (): Promise<number> => {
      for (let port = chosen(); ; port = chosen(), await sleep(1)) {
        if (port === undefined) continue;
        thief.listen({ port, host: '127.0.0.1' });
        return port;
      }
    };
    const asked = { root, venv, s3: 'seaweedfs', worker: false, mlflow: false } as const;
    try {
      const stolen = steal();
      await stackUp({ ...asked, dir: other.dir, ports: await testPorts() });
      expect(chosen()).not.toBe(await stolen);
      expect(thief.listening).toBe(true);
    } finally {
      thief.close();
      await other.remove();
    }
  });

  it('keeps its data when parts are killed and started again, and over down and up', async () => {
    await s3().send(new CreateBucketCommand({ Bucket: 'kept' }));
    await s3().send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: 'value' }));
    await experiments('create', { name: 'kept' });

    for (const part of ['s3', 'mlflow'] as const) process.kill(await pidOf(part), 'SIGKILL');
    await expect.poll(states).toEqual({ ...running, s3: 'stopped', mlflow: 'stopped' });
    await up();
    expect(lines).toContain('temporal ready');
    expect(lines).not.toContain('temporal starting');
    expect(await readBack()).toBe('value');

    expect(await stackDown({ root, dir })).toEqual(['mlflow', 's3', 'temporal']);
    expect(await stackDown({ root, dir })).toEqual([]);
    expect(new Set(Object.values(await states()))).toEqual(new Set(['stopped']));
    await up();
    expect(await states()).toEqual(running);
    expect(await readBack()).toBe('value');
    expect(await experiments('search', { max_results: 10 })).toContain('"name": "kept"');
  });
});
