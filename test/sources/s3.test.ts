import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SourceLimits } from '../../sources/source.ts';
import { openOddServer, type Answer, type OddServer } from '../support/odd-server.ts';
import { startS3InMemory } from '../support/s3-in-memory.ts';
import { readSource, place } from './read-source.ts';
import { holdsS3SourceContract } from './s3-source-contract.ts';

/** An S3 server that misbehaves: what it hands over is whole, or it is an error of the right kind. */

const CSV = 'a,b,label\n1,2,yes\n3,4,no\n';
const HEADERS = { etag: '"v1"', 'content-length': String(CSV.length) };

let server: OddServer;
let failures = 0;

/** An object whose HEAD is right, and whose GET does as it likes. */
const object =
  (get: (response: ServerResponse) => unknown): Answer =>
  ({ method }, response) =>
    method === 'HEAD' ? response.writeHead(200, HEADERS).end() : get(response);

const status =
  (code: number): Answer =>
  (_, response) =>
    response.writeHead(code).end();

beforeAll(async () => {
  server = await openOddServer({
    '/in-bucket/good': object((response) => response.writeHead(200, HEADERS).end(CSV)),
    '/in-bucket/down': status(500),
    '/in-bucket/busy': status(503),
    '/in-bucket/private': status(403),
    '/in-bucket/moved': status(301),
    '/in-bucket/fails-late': object((response) => response.writeHead(500).end()),
    '/in-bucket/gone': object((response) => response.writeHead(404).end()),
    '/in-bucket/recovers': (request, response) =>
      failures-- > 0
        ? response.writeHead(500).end()
        : object((good) => good.writeHead(200, HEADERS).end(CSV))(request, response),
    '/in-bucket/silent': () => undefined,
    '/in-bucket/stalls': object((response) => {
      response.writeHead(200, HEADERS);
      response.write(CSV.slice(0, 9));
    }),
    '/in-bucket/drips': object((response) => {
      response.writeHead(200, HEADERS);
      const drip = setInterval(() => response.write('1'), 100);
      response.on('close', () => clearInterval(drip));
    }),
    '/in-bucket/half': object((response) => {
      response.writeHead(200, HEADERS);
      response.write(CSV.slice(0, 12), () => response.destroy());
    }),
    '/in-bucket/shorter': object((response) =>
      response.writeHead(200, { ...HEADERS, 'content-length': '10' }).end(CSV.slice(0, 10)),
    ),
    '/in-bucket/longer': object((response) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: "v1"\r\n\r\n`;
      response.socket!.end(head + CSV);
    }),
    '/in-bucket/replaced': object((response) =>
      response.writeHead(200, { ...HEADERS, etag: '"v2"' }).end(CSV),
    ),
    '/in-bucket/unannounced': object((response) => {
      response.writeHead(200, { etag: '"v1"' });
      response.write(CSV.slice(0, 12), () => response.end());
    }),
    '/in-bucket/nonsense': (_, response) => response.socket!.end('this is not HTTP\r\n\r\n'),
  });
});

afterAll(() => server.close());

// Other tests leave folders in the machine's temporary folder while they run.
const own = mkdtempSync(join(tmpdir(), 'odd-s3-'));
vi.stubEnv('TMPDIR', own);
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(own, { recursive: true, force: true });
});

const take = (key: string, { idleMs = 30_000, ...limits }: Partial<SourceLimits> = {}) =>
  readSource(`s3://in-bucket/${key}`, {
    s3: {
      endpoint: server.url(''),
      region: 'us-east-1',
      bucket: 'unused',
      credentials: { accessKeyId: 'somebody', secretAccessKey: 'a-secret' },
      idleMs,
    },
    limits: { ...place.limits, ...limits },
  });

describe('tables in S3', () => {
  holdsS3SourceContract(startS3InMemory);
});

describe('an S3 server that misbehaves', () => {
  it('and then does not is read in the end', async () => {
    expect((await take('good'))?.text).toBe(CSV);
    failures = 1;
    expect((await take('recovers'))?.text).toBe(CSV);
    failures = 9;
    await expect(take('recovers')).rejects.toMatchObject({ retryable: true });
    failures = 0;
    expect((await take('recovers'))?.text).toBe(CSV);
  });

  it.each<[key: string, name: string, reason: string, limits?: Partial<SourceLimits>]>([
    ['down', 'StorageUnavailable', 'answered 500'],
    ['busy', 'StorageUnavailable', 'answered 503'],
    ['fails-late', 'StorageUnavailable', 'answered 500'],
    ['silent', 'StorageUnavailable', 'is not available', { idleMs: 400 }],
    ['stalls', 'StorageUnavailable', 'is not available', { idleMs: 400 }],
    ['half', 'StorageUnavailable', 'is not available (aborted)'],
    ['nonsense', 'StorageUnavailable', 'Parse Error'],
    ['drips', 'SourceUnavailable', 'took longer than 0.5 s to read', { totalMs: 500 }],
    ['shorter', 'SourceUnavailable', `had ${CSV.length} bytes when it was looked up`],
    ['longer', 'SourceUnavailable', 'and 10 when it was read'],
    ['replaced', 'SourceUnavailable', 'or it changed'],
    ['unannounced', 'SourceUnavailable', '0 when it was read'],
  ])('%s: is tried again, and nothing of it is kept', async (key, name, reason, limits) => {
    const taken = take(key, limits);
    await expect(taken).rejects.toMatchObject({ name, retryable: true });
    await expect(taken).rejects.toThrow(reason);
    expect(readdirSync(own)).toEqual([]);
  });

  it.each([
    ['nowhere', 'SourceRefused', 'is not there on'],
    ['gone', 'SourceRefused', 'is not there on'],
    ['private', 'StorageRefused', 'refused our credentials (403'],
    ['moved', 'StorageRefused', 'refused the request (301'],
  ])('%s: is said at once, without a secret', async (key, name, reason) => {
    const taken = take(key);
    await expect(taken).rejects.toMatchObject({ name, retryable: false });
    await expect(taken).rejects.toThrow(reason);
    await expect(taken).rejects.not.toThrow('a-secret');
  });
});
