import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPlace } from '../../../sources/arrivals/open-place.ts';
import { openStore } from '../../../store/index.ts';
import { openOddServer, type OddServer } from '../../support/odd-server.ts';
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
});
