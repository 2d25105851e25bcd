import {
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type Server,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Bucket, BucketOptions, Condition } from '../../../store/bucket.ts';
import { openBucket } from '../../../store/index.ts';
import { digestObject } from '../../../store/download.ts';
import { sha256 } from '../../../store/hash.ts';
import { underSignal } from '../../../store/signal.ts';
import { SOON } from '../../support/soon.ts';

/** A server whose answers break off halfway until it has been asked often enough. */
let server: Server;
let bucket: Bucket;
/** What came with each PUT, and what it is answered with. */
const puts: IncomingHttpHeaders[] = [];
let answer = 200;
const credentials = { accessKeyId: 'a', secretAccessKey: 's' };
let breaks = 0;
let delay = 0;
/** What a HEAD shows. */
let shown: OutgoingHttpHeaders = {};
/** Whether no answer comes, or none that ends. */
let silence: 'no answer' | 'no end' | undefined;
const paths: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.method === 'PUT') {
      puts.push(request.headers);
      request.resume();
      request.on('end', () => response.writeHead(answer, { etag: '"new"' }).end());
      return;
    }
    paths.push(request.url!);
    if (silence === 'no answer') return;
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'content-length': 10, ...shown }).end();
      return;
    }
    response.writeHead(200, { 'content-length': 10 });
    response.write('01234', () => {
      if (silence === 'no end') return;
      if (breaks-- > 0) response.destroy();
      else if (delay === 0) response.end('56789');
      else setTimeout(() => response.end('56789'), delay);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bucket = openBucket(options());
});

function options(): BucketOptions {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, region: 'us-east-1', bucket: 'b', credentials };
}

/** A separate client for one test. */
function openOwn(more: Partial<BucketOptions> = {}): Bucket {
  const own = openBucket({ ...options(), ...more });
  onTestFinished(() => own.close());
  return own;
}

function keepSilent(how: typeof silence): void {
  silence = how;
  onTestFinished(() => {
    silence = undefined;
    server.closeAllConnections();
  });
}

afterAll(() => {
  bucket.close();
  server.close();
});

async function read(key: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of (await bucket.open(key))!.chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

describe('an object that is read as it comes', () => {
  it('is whole', async () => {
    breaks = 0;
    expect((await bucket.open('k'))!.size).toBe(10);
    expect(await read('k')).toBe('0123456789');
  });

  it('says by type, and with its key, that the connection broke halfway', async () => {
    breaks = 1;
    await expect(read('files/k')).rejects.toMatchObject({
      name: 'StorageUnavailable',
      message: expect.stringContaining('files/k'),
    });
  });

  it('is read again after a break, and given up when it breaks each time', async () => {
    const wanted = { key: 'k', sha256: sha256('0123456789') };
    const begin = async (): Promise<() => void> => () => undefined;
    breaks = 1;
    expect(await digestObject(bucket, wanted, begin)).toEqual({
      sha256: wanted.sha256,
      size: 10,
    });
    breaks = 9;
    await expect(digestObject(bucket, wanted, begin)).rejects.toMatchObject({
      name: 'StorageUnavailable',
    });
  });
});

it('more requests at once than there are connections wait for one, however long the others take', async () => {
  breaks = 0;
  delay = 700;
  const all = Array.from({ length: 280 }, (_, i) => bucket.get(`k${i}`));
  const bytes = (await Promise.all(all)).map((stored) => stored!.bytes.byteLength);
  delay = 0;
  expect(bytes).toEqual(all.map(() => 10));
});

describe('a request', () => {
  /** More than there are connections. */
  const many = Array.from({ length: 120 }, (_, i) => `k${i}`);

  it('that fails leaves its place to the next one', async () => {
    const at = { endpoint: 'http://127.0.0.1:1', region: 'r', bucket: 'b', credentials };
    const closed = openBucket(at);
    for (const one of await Promise.allSettled(many.map((key) => closed.get(key))))
      expect(one).toMatchObject({ reason: { name: 'StorageUnavailable' }, status: 'rejected' });
    closed.close();
  });

  it.each(['no answer', 'no end'] as const)(
    'that is cancelled where there is %s ends at once, with the reason',
    async (how) => {
      breaks = 0;
      paths.length = 0;
      keepSilent(how);
      const own = openOwn();
      const stop = new AbortController();
      const why = new Error('cancelled');
      const asked = underSignal(stop.signal, () => own.get('k'));
      const cancel = async (): Promise<void> => {
        await vi.waitFor(() => expect(paths).toHaveLength(1), SOON);
        stop.abort(why);
      };
      await expect(Promise.all([asked, cancel()])).rejects.toBe(why);
    },
  );

  it('whose answer stops halfway is given up', async () => {
    breaks = 0;
    keepSilent('no end');
    await expect(openOwn({ idleMs: 100 }).get('k')).rejects.toMatchObject({
      name: 'StorageUnavailable',
    });
  });

  it('names the bucket in its path, as servers that are not AWS need it', async () => {
    breaks = 0;
    paths.length = 0;
    await openOwn().get('folder/k');
    expect(paths).toEqual(['/b/folder/k?x-id=GetObject']);
  });

  it('leaves no connection open once its bucket is closed', async () => {
    breaks = 0;
    const sockets: Socket[] = [];
    const note = (socket: Socket): void => void sockets.push(socket);
    server.on('connection', note);
    onTestFinished(() => void server.off('connection', note));
    const own = openOwn();
    await own.get('k');
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false]);
    own.close();
    await vi.waitFor(() => expect(sockets[0]!.destroyed).toBe(true), SOON);
  });

  it('for an object that is too large leaves its place to the next one', async () => {
    breaks = 0;
    const asked = await Promise.allSettled(many.map((key) => bucket.get(key, 9)));
    for (const one of asked)
      expect(one).toMatchObject({ reason: { name: 'DamagedArtifact' }, status: 'rejected' });
    expect((await bucket.get('k'))!.bytes).toHaveLength(10);
  });

  it('whose object is read only in part leaves its place to the next one', async () => {
    breaks = 0;
    delay = 50;
    const readSome = async (key: string): Promise<string> => {
      for await (const chunk of (await bucket.open(key))!.chunks)
        return Buffer.from(chunk).toString();
      return '';
    };
    const chunks = await Promise.all(many.map(readSome)).finally(() => (delay = 0));
    // A reader that is late gets all of it at once.
    expect(chunks.filter((chunk) => !chunk.startsWith('01234'))).toEqual([]);
  });
});

describe('the checksum of an object', () => {
  const [whole, noted] = [sha256('whole'), sha256('noted')];
  const checksum = Buffer.from(whole, 'hex').toString('base64');
  const meta = { 'x-amz-meta-sha256': noted };

  it.each<[title: string, headers: OutgoingHttpHeaders, expected: string | undefined]>([
    ['the one that the server computed', { 'x-amz-checksum-sha256': checksum, ...meta }, whole],
    [
      'the one of the whole',
      { 'x-amz-checksum-sha256': checksum, 'x-amz-checksum-type': 'FULL_OBJECT', ...meta },
      whole,
    ],
    [
      'not that of the checksums of its parts',
      { 'x-amz-checksum-sha256': `${checksum}-2`, ...meta },
      noted,
    ],
    [
      'not that of its parts by type',
      { 'x-amz-checksum-sha256': checksum, 'x-amz-checksum-type': 'COMPOSITE', ...meta },
      noted,
    ],
    ['the noted one where the server computes none', meta, noted],
    ['unknown where there is none', {}, undefined],
  ])('is %s', async (_title, headers, expected) => {
    shown = headers;
    expect(await bucket.head('k')).toMatchObject({ size: 10, sha256: expected, ours: false });
  });
});

describe('a put', () => {
  const put = (condition?: Condition) => {
    puts.length = 0;
    return bucket.put('k', Buffer.from('v'), {
      sha256: sha256('v'),
      ...(condition === undefined ? {} : { condition }),
    });
  };

  it('sends its checksum, its condition and its mark', async () => {
    const checksum = Buffer.from(sha256('v'), 'hex').toString('base64');
    await put();
    expect(puts[0]).toMatchObject({ 'x-amz-checksum-sha256': checksum });
    expect(puts[0]).not.toHaveProperty('if-match');
    expect(puts[0]).not.toHaveProperty('if-none-match');
    expect(puts[0]).not.toHaveProperty('x-amz-meta-written-by');
    expect(await put({ etag: '"old"' })).toBe('"new"');
    expect(puts[0]).toMatchObject({ 'if-match': '"old"', 'x-amz-checksum-sha256': checksum });
    expect(puts[0]).toMatchObject({ 'content-type': 'application/octet-stream' });
    await put({ absent: true });
    expect(puts[0]).toMatchObject({ 'if-none-match': '*' });
    await bucket.put('k', Buffer.from('v'), { sha256: sha256('v'), mark: true });
    expect(puts.at(-1)).toMatchObject({ 'x-amz-meta-written-by': 'incremental-retraining' });
    const contentType = 'application/json';
    await bucket.put('k', Buffer.from('v'), { sha256: sha256('v'), contentType });
    expect(puts.at(-1)).toMatchObject({ 'content-type': contentType });
  });

  it.each([
    [412, { etag: '"old"' }],
    [412, { absent: true } as const],
    [404, { etag: '"old"' }],
  ])(
    'that is answered %i has found another object, and wrote nothing',
    async (status, condition) => {
      answer = status;
      expect(await put(condition).finally(() => (answer = 200))).toBeUndefined();
    },
  );

  it('without a condition that is answered 404 has failed, and does not pass for one that lost', async () => {
    answer = 404;
    await expect(put().finally(() => (answer = 200))).rejects.toMatchObject({
      name: 'StorageRefused',
    });
  });
});
