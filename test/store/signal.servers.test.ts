import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { objectKey, refOf } from '../../store/hash.ts';
import { openStore, type Store } from '../../store/index.ts';
import { withoutSignal, underSignal } from '../../store/signal.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { describeOnEachS3, type S3Server } from '../support/s3-servers.ts';
import { unique } from '../support/project.ts';

/** What is stopped on purpose stops asking at once, and leaves nothing half stored: on real S3 servers. */
describeOnEachS3('requests under a signal,', ({ open }) => {
  const folder = mkdtempSync(join(tmpdir(), 'signal '));
  const bucket = unique('signal');
  const why = new Error('it was stopped');
  let server: S3Server;
  let proxy: Proxy;
  let store: Store;

  beforeAll(async () => {
    server = await open();
    const options = server.options(bucket);
    proxy = await openProxy(options.endpoint!);
    // A server may be silent for long: what ends a request here is the signal and nothing else.
    store = openStore({ ...options, endpoint: proxy.uri, idleMs: 60_000 });
    await store.bucket.ensure();
  });
  afterAll(async () => {
    store?.bucket.close();
    proxy?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Stops the work once `request` has come to the server, and waits until it is given up there. */
  async function stopped(request: RegExp, work: () => Promise<unknown>): Promise<void> {
    const stop = new AbortController();
    const held = proxy.hold(request);
    const ends = underSignal(stop.signal, work);
    ends.catch(() => undefined);
    await held.come;
    stop.abort(why);
    await expect(ends).rejects.toBe(why);
    await held.givenUp;
  }

  it('an upload ends, and its object is not there', async () => {
    const bytes = Buffer.alloc(1_000_000, 'upload');
    const { md5 } = refOf('x', bytes);
    await stopped(/^PUT .*\/files\/md5/, () => store.artifacts.put('x', bytes));
    expect(await store.bucket.head(objectKey(md5))).toBeUndefined();
  });

  it('a download ends in the middle of its bytes', async () => {
    const ref = await store.artifacts.put('y', Buffer.alloc(1_000_000, 'download'));
    const stop = new AbortController();
    proxy.poison('stall', 1, 1);
    const read = underSignal(stop.signal, async () => {
      const opened = await store.bucket.open(objectKey(ref.md5));
      for await (const chunk of opened!.chunks) if (chunk.byteLength > 0) stop.abort(why);
    });
    await expect(read).rejects.toBe(why);
    const file = join(folder, 'out');
    await stopped(/^GET .*\/files\/md5/, () => store.artifacts.toFile(ref, file));
  });

  it('an upload in parts ends, and the parts that are there are given up', async () => {
    const file = join(folder, 'large');
    const bytes = Buffer.alloc(33 * 1024 * 1024 + 7, 'in parts\n');
    writeFileSync(file, bytes);
    await stopped(/partNumber=2/, () => store.artifacts.putFile('z', file));
    expect(await store.bucket.head(objectKey(refOf('z', bytes).md5))).toBeUndefined();
    expect(proxy.seen().filter((request) => /^DELETE .*uploadId=/.test(request))).toHaveLength(1);
    const { endpoint, region, credentials } = server.options(bucket);
    const client = new S3Client({
      endpoint: endpoint!,
      region,
      credentials: credentials!,
      forcePathStyle: true,
    });
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads ?? []).toEqual([]);
    client.destroy();
  });

  it('nothing new is asked, but by what must come to its end', async () => {
    const signal = AbortSignal.abort(why);
    const put = (): Promise<unknown> => store.artifacts.put('late', Buffer.from('late'));
    proxy.seen();
    await expect(underSignal(signal, put)).rejects.toBe(why);
    expect(proxy.seen()).toEqual([]);
    await underSignal(signal, () => withoutSignal(put));
    expect(proxy.seen()).not.toEqual([]);
  });
});
