import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPlace } from '../../../sources/arrivals/open-place.ts';
import { openPrefix } from '../../../sources/arrivals/prefix.ts';
import { sha256 } from '../../../store/hash.ts';
import { openBucket, openStore } from '../../../store/index.ts';
import { openOddServer, type OddServer } from '../../support/odd-server.ts';
import { startS3InMemory } from '../../support/s3-in-memory.ts';
import { place } from '../read-source.ts';

const TEXT = 'a,label\n1,x\n';
const LISTING = `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>
<Contents><Key>in/a.csv</Key><Size>${TEXT.length}</Size><LastModified>2026-01-02T00:00:00.000Z</LastModified></Contents>
</ListBucketResult>`;

let server: OddServer;

beforeAll(async () => {
  server = await openOddServer({
    '/theirs': ({ method }, response) => response.end(method === 'HEAD' ? undefined : LISTING),
    '/theirs/': ({ method }, response) => response.end(method === 'HEAD' ? undefined : LISTING),
    '/theirs/in/a.csv': (_, response) => response.writeHead(200, { etag: '"v1"' }).end(TEXT),
  });
});

afterAll(() => server.close());

describe('a prefix', () => {
  it('is on the server of sources, where that is another than the store’s', async () => {
    const credentials = { accessKeyId: 'somebody', secretAccessKey: 'a-secret' };
    const s3 = { region: 'us-east-1', bucket: 'unused', credentials, endpoint: server.url('') };
    const deps = {
      store: openStore(place.s3), // where nothing answers
      root: place.root,
      sources: { s3, limits: place.limits },
    };
    const opened = await openPlace(deps, 's3://theirs/in/', null);
    const { files } = await opened.list();
    expect(files).toMatchObject([{ name: 'a.csv', size: TEXT.length }]);
    expect(Buffer.from((await opened.read(files[0]!))!).toString()).toBe(TEXT);
  });

  it('has the files directly under it, and reads none that has changed since it was listed', async () => {
    const memory = await startS3InMemory();
    onTestFinished(() => memory.stop());
    const bucket = openBucket(memory.options('theirs'));
    onTestFinished(() => bucket.close());
    await bucket.ensure();
    const put = async (key: string, text: string): Promise<void> => {
      await bucket.put(key, Buffer.from(text), { sha256: sha256(text) });
    };
    const keys = ['in/a.csv', 'in/b.csv', 'in/c.csv', 'in/old/d.csv', 'in/_SUCCESS', 'other.csv'];
    for (const key of keys) await put(key, TEXT);
    const opened = openPrefix('s3://theirs/in/', memory.options('unused'));
    const { files } = await opened.list();
    expect(files.map(({ name }) => name)).toEqual(['a.csv', 'b.csv', 'c.csv']);
    await put('in/a.csv', `${TEXT}2,y\n`);
    await put('in/b.csv', TEXT.slice(0, -2));
    const read = await Promise.all(files.map((file) => opened.read(file)));
    expect(read.map((bytes) => bytes && Buffer.from(bytes).toString())).toEqual([
      undefined,
      undefined,
      TEXT,
    ]);
  });
});
