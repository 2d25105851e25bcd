import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openOddServer, type OddServer } from '../../support/odd-server.ts';
import { limitsFromEnv, type SourceLimits } from '../../../sources/source.ts';
import { place, readSource } from '../read-source.ts';
import { SOON } from '../../support/soon.ts';

const CSV = 'a,b,label\n1,2,yes\n3,4,no\n';

const BOMB = gzipSync(Buffer.alloc(50_000_000));

let server: OddServer;
let failures = 0;
const hungUp = vi.fn<() => void>();

beforeAll(async () => {
  server = await openOddServer({
    '/wine.csv': (request, response) => {
      if (request.headers['if-none-match'] === '"v1"') return response.writeHead(304).end();
      return response.writeHead(200, { etag: '"v1"', 'last-modified': 'Mon' }).end(CSV);
    },
    '/dated.csv': (request, response) => {
      if (request.headers['if-modified-since'] === 'Mon') return response.writeHead(304).end();
      return response.writeHead(200, { 'last-modified': 'Mon' }).end(CSV);
    },
    '/wine.csv.gz': (_, response) => response.end(gzipSync(CSV)),
    '/bomb.csv.gz': (_, response) => response.end(BOMB),
    '/half.csv.gz': (_, response) => response.end(gzipSync(CSV).subarray(0, 30)),
    '/silent': () => undefined,
    '/stalls': (_, response) => {
      response.writeHead(200, { 'content-length': String(CSV.length) });
      response.write(CSV.slice(0, 9));
    },
    '/drips': (_, response) => {
      const drip = setInterval(() => response.write('1'), 100);
      response.on('close', () => clearInterval(drip));
    },
    '/short': (_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(CSV, () => response.destroy());
    },
    '/long': (_, response) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n`;
      response.socket!.end(head + CSV);
    },
    '/unfinished': (_, response) => {
      response.writeHead(200); // chunked: the last chunk never comes
      response.write(CSV, () => response.destroy());
    },
    '/resets': (_, response) => response.socket!.resetAndDestroy(),
    '/nonsense': (_, response) => response.socket!.end('this is not HTTP\r\n\r\n'),
    '/zip': (_, response) => {
      response.on('close', hungUp);
      response.write('PK\u0003\u0004, and no end');
    },
    '/large': (_, response) => response.writeHead(200, { 'content-length': '200000' }).end(),
    '/endless': (_, response) => {
      const more = (): boolean => response.write(Buffer.alloc(60_000, '1,2\n'), more);
      more();
    },
    '/secret.csv': ({ url }, response) =>
      url === '/secret.csv?jwt=s3cret&v=1'
        ? response.end(CSV)
        : response.writeHead(404).end('not here'),
    '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
    '/hop': (_, response) => response.writeHead(301, { location: '/wine.csv?token=abc' }).end(),
    '/metadata': (_, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end(),
    '/file': (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/login': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
    '/private': (_, response) => response.writeHead(403).end(),
    '/part': (_, response) => response.writeHead(206).end(CSV),
    '/brotli': (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end('x'),
    '/at-first': (_, response) => {
      failures += 1;
      if (failures === 1) return response.writeHead(500).end('broken');
      return response.end(CSV);
    },
  });
});

afterAll(() => server.close());

const failing = async (
  path: string,
  limits: Partial<SourceLimits> = {},
): Promise<{ name: string; message: string }> => {
  const options = { limits: { ...place.limits, ...limits } };
  const error: unknown = await readSource(server.url(path), options).then(
    () => undefined,
    (e: unknown) => e,
  );
  const { name, message } = error as Error;
  return { name, message };
};

describe('a URL', () => {
  it('hangs up where what comes is no text', async () => {
    await expect(readSource(server.url('/zip'))).rejects.toThrow('zip archive');
    await vi.waitFor(() => expect(hungUp).toHaveBeenCalledOnce(), SOON);
  });

  it('comes whole, with what the server calls its state', async () => {
    expect(await readSource(server.url('/wine.csv'))).toEqual({
      text: CSV,
      stamp: { etag: '"v1"', modified: 'Mon' },
      path: 'data/raw/wine.csv',
    });
  });

  it('does not come again while its state is the one known, by ETag or else by date', async () => {
    const etag = { etag: '"v1"', modified: 'Mon' };
    expect(await readSource(server.url('/wine.csv'), { known: etag })).toBeUndefined();
    const dated = { etag: null, modified: 'Mon' };
    expect(await readSource(server.url('/dated.csv'), { known: dated })).toBeUndefined();
    const other = { etag: '"v0"', modified: null };
    expect((await readSource(server.url('/wine.csv'), { known: other }))?.text).toBe(CSV);
  });

  it('is decompressed, and named without .gz', async () => {
    const brought = await readSource(server.url('/wine.csv.gz'));
    expect(brought).toMatchObject({ text: CSV, path: 'data/raw/wine.csv' });
  });

  it('follows redirects within its bounds', async () => {
    expect((await readSource(server.url('/hop')))?.text).toBe(CSV);
    const { name, message } = await failing('/loop');
    expect(name).toBe('SourceRefused');
    expect(message).toContain('redirects more than 5 times');
    expect(server.asked.filter((path) => path === '/loop')).toHaveLength(6);
  });

  it.each<[path: string, reason: string, limits?: Partial<SourceLimits>]>([
    ['/silent', 'no byte arrived for 0.4 s', { idleMs: 400 }],
    ['/stalls', 'no byte arrived for 0.4 s', { idleMs: 400 }],
    ['/drips', 'it took too long', { totalMs: 500 }],
    ['/short', 'the connection broke off'],
    ['/long', 'Parse Error'],
    ['/unfinished', 'the connection broke off'],
    ['/resets', 'ECONNRESET'],
    ['/part', 'it answered 206'],
  ])('that misbehaves is tried again: %s', async (path, reason, limits) => {
    const { name, message } = await failing(path, limits);
    expect(message).toContain(reason);
    expect(message).toContain(server.url(path));
    expect(name).toBe('SourceUnavailable');
  });

  it('that does not speak HTTP, or not over TLS, is refused, because trying again changes nothing', async () => {
    const nonsense = await failing('/nonsense');
    expect(nonsense.name).toBe('SourceRefused');
    expect(nonsense.message).toMatch(/ does not answer as HTTP \(HPE_\w+\): check the port/);
    const url = server.url('/wine.csv').replace('http:', 'https:');
    await expect(readSource(url)).rejects.toMatchObject({
      name: 'SourceRefused',
      message: expect.stringMatching(
        / does not answer as HTTPS \(.+\): check the port, and http or https$/,
      ),
    });
  });

  it('is there again after a failure', async () => {
    expect(await failing('/at-first')).toMatchObject({
      name: 'SourceUnavailable',
      message: expect.stringContaining('it answered 500'),
    });
    expect((await readSource(server.url('/at-first')))?.text).toBe(CSV);
  });

  it('whose host is unknown or whose port is closed is tried again', async () => {
    for (const url of ['http://no-such-host.invalid/x.csv', 'http://127.0.0.1:9/x.csv'])
      await expect(readSource(url)).rejects.toMatchObject({ name: 'SourceUnavailable' });
  });

  it.each([
    ['/nowhere', 'is not there (404)'],
    ['/private', 'may not be read (403)'],
    ['/login', 'is a web page, not a table'],
    ['/brotli', 'is encoded as br'],
    ['/large', 'is larger than the limit of 100000 bytes'],
    ['/endless', 'is larger than the limit of 100000 bytes'],
    ['/bomb.csv.gz', 'is larger than the limit of 100000 bytes'],
    ['/metadata', 'may hold credentials'],
    ['/file', 'redirects to file://, which is neither http nor https'],
  ])('that can never be read is refused: %s', async (path, reason) => {
    const { name, message } = await failing(path);
    expect(message).toContain(reason);
    expect(name).toBe('SourceRefused');
  });

  it('of half a gzip file is bad data: the server sent what it has', async () => {
    const { name, message } = await failing('/half.csv.gz');
    expect(name).toBe('BadData');
    expect(message).toContain('is not a complete gzip file');
  });

  it.each([
    ['http://someone:secret-word@127.0.0.1/x.csv', 'holds a user or password'],
    ['http://127.0.0.1/x.csv?X-Amz-Signature=secret-word', 'its parameter X-Amz-Signature'],
  ])('with a secret is refused before anything is sent: %s', async (url, reason) => {
    const refused = readSource(url);
    await expect(refused).rejects.toMatchObject({ name: 'BadParams' });
    await expect(refused).rejects.toThrow(reason);
    await expect(refused).rejects.not.toThrow('secret-word');
  });

  it('whose query is a secret is read with the query from the environment', async () => {
    vi.stubEnv('RETRAIN_SOURCE_URL_WINE', `${server.url('/secret.csv')}?jwt=s3cret&v=1`);
    const secretEnv = 'RETRAIN_SOURCE_URL_WINE';
    const read = await readSource(server.url('/secret.csv'), { secretEnv });
    expect(read).toMatchObject({ text: CSV, path: 'data/raw/secret.csv' });
    vi.stubEnv('RETRAIN_SOURCE_URL_WINE', `${server.url('/secret.csv')}?jwt=other-s3cret`);
    const refused = readSource(server.url('/secret.csv'), { secretEnv });
    await expect(refused).rejects.toThrow(`${server.url('/secret.csv')}?… is not there (404)`);
    await expect(refused).rejects.not.toThrow('s3cret');
    vi.unstubAllEnvs();
  });

  it('of this machine is refused by a worker, unless its environment allows it', async () => {
    const worker = { confined: true };
    await expect(readSource(server.url('/wine.csv'), worker)).rejects.toMatchObject({
      name: 'SourceRefused',
      message: expect.stringContaining('set RETRAIN_SOURCE_PRIVATE_ADDRESSES=allow'),
    });
    const limits = { ...place.limits, privateAddresses: true };
    expect((await readSource(server.url('/wine.csv'), { ...worker, limits }))?.text).toBe(CSV);
  });

  it('of this machine is allowed by a word that is known', () => {
    const read = (text?: string): boolean =>
      limitsFromEnv({ RETRAIN_SOURCE_PRIVATE_ADDRESSES: text }).privateAddresses;
    expect([read(), read(''), read('refuse'), read('allow')]).toEqual([false, false, false, true]);
    expect(() => read('yes')).toThrow(
      'RETRAIN_SOURCE_PRIVATE_ADDRESSES is yes: set it to allow or refuse',
    );
  });

  it.each(['http://169.254.169.254/x', 'http://[fe80::1]/x', 'http://[::ffff:169.254.169.254]/x'])(
    'of a metadata service is refused: %s',
    async (url) => {
      await expect(readSource(url)).rejects.toMatchObject({ name: 'SourceRefused' });
    },
  );

  it('stops when the run is cancelled', async () => {
    const leaving = new AbortController();
    const coming = readSource(server.url('/silent'), { signal: leaving.signal });
    leaving.abort();
    await expect(coming).rejects.toThrow(/abort/i);
  });
});
