import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket, UploadWatch } from '../../store/bucket.ts';
import { sha256 } from '../../store/hash.ts';
import { withoutSignal, underSignal } from '../../store/signal.ts';

/** A server on which buckets are opened; the same name opens the same bucket. */
export interface BucketServer {
  open: (name: string) => Bucket;
  stop?: () => Promise<void>;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString();

/** What every bucket promises: held against each kind of storage there is. */
export function holdsBucketContract(start: () => Promise<BucketServer>): void {
  let server: BucketServer;
  /** Two clients of one bucket. */
  let [bucket, other]: Bucket[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'bucket '));
  const newName = (): string => `contract-${randomUUID().slice(0, 13)}`;
  const newKey = (name = 'k'): string => `${randomUUID()}/${name}`;
  const put = (key: string, body: string, more: object = {}): Promise<string | undefined> =>
    bucket!.put(key, Buffer.from(body), { sha256: sha256(body), ...more });
  const read = async (key: string): Promise<string | undefined> =>
    text((await bucket!.get(key))?.bytes);

  beforeAll(async () => {
    server = await start();
    const name = newName();
    [bucket, other] = [server.open(name), server.open(name)];
    await bucket.ensure();
  });
  afterAll(async () => {
    bucket?.close();
    other?.close();
    await server?.stop?.();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('before it is made', () => {
    it('has nothing in it, and says that it does not exist', async () => {
      const missing = server.open(newName());
      expect(await missing.exists()).toBe(false);
      expect(await missing.get('k')).toBeUndefined();
      expect(await missing.head('k')).toBeUndefined();
      expect(await missing.open('k')).toBeUndefined();
      expect(await collect(missing.list(''))).toEqual([]);
      expect(await missing.names('')).toEqual([]);
      missing.close();
    });

    it('is made by ensure, however many call it at once, and by a first put', async () => {
      const name = newName();
      const [a, b, c] = [server.open(name), server.open(name), server.open(newName())];
      await Promise.all([a.ensure(), b.ensure()]);
      expect(await a.exists()).toBe(true);
      const condition = { absent: true } as const;
      await c.put('k', Buffer.from('v'), { sha256: sha256('v'), condition });
      expect(text((await c.get('k'))?.bytes)).toBe('v');
      for (const each of [a, b, c]) each.close();
    });
  });

  describe('a put', () => {
    it.each(['', 'text', 'ü 😀', '\0\u0001\r\n'])('keeps bytes as they are: %j', async (body) => {
      const key = newKey('a b/ü😀+%&=.bin');
      await put(key, body);
      expect(await read(key)).toBe(body);
    });

    it('that must find nothing writes once', async () => {
      const key = newKey();
      expect(await put(key, 'first', { condition: { absent: true } })).toBeDefined();
      expect(await put(key, 'second', { condition: { absent: true } })).toBeUndefined();
      expect(await read(key)).toBe('first');
    });

    it('that must find an object writes over that one alone', async () => {
      const key = newKey();
      const first = await put(key, 'first');
      const second = await put(key, 'second', { condition: { etag: first! } });
      expect(second).toBeDefined();
      expect(second).not.toBe(first);
      expect(await put(key, 'third', { condition: { etag: first! } })).toBeUndefined();
      expect(await read(key)).toBe('second');
      await bucket!.delete(key);
      expect(await put(key, 'third', { condition: { etag: second! } })).toBeUndefined();
      expect(await bucket!.head(key)).toBeUndefined();
    });

    it('under a condition succeeds for one of many at once, whose bytes are there', async () => {
      const key = newKey();
      const etag = (await put(key, 'before'))!;
      for (const condition of [{ etag }, { absent: true } as const]) {
        if ('absent' in condition) await bucket!.delete(key);
        const bodies = Array.from({ length: 8 }, (_, i) => `writer ${i}`);
        const written = await Promise.all(
          bodies.map((body, i) =>
            (i % 2 ? bucket! : other!).put(key, Buffer.from(body), {
              sha256: sha256(body),
              condition,
            }),
          ),
        );
        const [winner] = written.flatMap((tag, i) => (tag === undefined ? [] : [i]));
        expect(written.filter((tag) => tag !== undefined)).toHaveLength(1);
        expect(await read(key)).toBe(bodies[winner!]);
      }
    });

    it('of bytes that do not match their checksum stores nothing', async () => {
      const key = newKey();
      const spoilt = () => bucket!.put(key, Buffer.from('a'), { sha256: sha256('b') });
      await expect(spoilt()).rejects.toMatchObject({ name: 'StorageUnavailable' });
      expect(await bucket!.head(key)).toBeUndefined();
      await put(key, 'right');
      await expect(spoilt()).rejects.toMatchObject({ name: 'StorageUnavailable' });
      expect(await read(key)).toBe('right');
    });
  });

  it('tells the size, the checksum, the ETag and whose an object is', async () => {
    const [ours, theirs] = [newKey(), newKey()];
    const etag = await put(ours, 'äöü', { mark: true });
    await put(theirs, 'äöü');
    const head = { size: 6, etag, ours: true };
    expect(await bucket!.head(ours)).toMatchObject(head);
    expect([undefined, sha256('äöü')]).toContain((await bucket!.head(ours))!.sha256);
    expect((await other!.get(ours))!.etag).toBe(etag);
    expect((await bucket!.head(theirs))!.ours).toBe(false);
  });

  it('reads no object that is larger than the bound of the reader', async () => {
    const key = newKey();
    await put(key, 'x'.repeat(300_000));
    expect((await bucket!.get(key, 300_000))?.bytes.length).toBe(300_000);
    await expect(bucket!.get(key, 299_999)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      message: expect.stringContaining(`${key} has 300000 bytes, and at most 299999 can belong`),
      details: { key },
    });
    // The connection of the refused read is free again.
    for (let i = 0; i < 60; i++) await bucket!.get(key, 1).catch(() => undefined);
    expect(await bucket!.get(newKey(), 1)).toBeUndefined();
    expect((await bucket!.get(key))?.bytes.length).toBe(300_000);
  });

  it('opens an object, to be read piece by piece', async () => {
    const key = newKey();
    const body = 'many pieces '.repeat(200_000);
    const etag = await put(key, body);
    const object = (await other!.open(key))!;
    expect([object.size, object.etag]).toEqual([body.length, etag]);
    const pieces = await collect(object.chunks);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).toString()).toBe(body);
  });

  it('deletes an object, and does not mind one that is gone', async () => {
    const key = newKey();
    await put(key, 'v');
    await other!.delete(key);
    await other!.delete(key);
    expect(await bucket!.get(key)).toBeUndefined();
  });

  describe('a listing', () => {
    it('has every object under a prefix once, over many pages', async () => {
      const prefix = `${randomUUID()}/`;
      const keys = Array.from({ length: 1_030 }, (_, i) => `${prefix}${i % 7}/${i}`);
      for (let from = 0; from < keys.length; from += 40)
        await Promise.all(keys.slice(from, from + 40).map((key) => put(key, 'v')));
      await bucket!.delete(keys[0]!);
      await put(`${prefix.slice(0, -1)}-next/x`, 'v');
      const listed = await collect(other!.list(prefix));
      expect(listed.map(({ key }) => key).toSorted()).toEqual(keys.slice(1).toSorted());
      expect(await collect(other!.list(`${prefix}3/4`))).toHaveLength(
        keys.filter((key) => key.startsWith(`${prefix}3/4`)).length,
      );
    });

    it('shows the size of an object and when it was written', async () => {
      const key = newKey();
      await put(key, 'four');
      const [object] = await collect(bucket!.list(key));
      expect(object).toMatchObject({ key, size: 4 });
      expect(Math.abs(object!.modified.getTime() - Date.now())).toBeLessThan(60_000);
    });

    it('names what is right under a prefix: objects, and folders once', async () => {
      const prefix = `${randomUUID()}/`;
      for (const name of ['a', 'b/1', 'b/2/3', 'c', 'd/4']) await put(`${prefix}${name}`, 'v');
      expect((await bucket!.names(prefix)).toSorted()).toEqual(['a', 'b/', 'c', 'd/']);
    });
  });

  describe('a file stored in parts', () => {
    const body = Buffer.alloc(33 * 1024 * 1024 + 7, 'rows of text, many\n');
    const file = join(folder, 'large');
    const whole = { sha256: sha256(body), size: body.length, mark: true };

    /** Notes what is said of an upload, and does `each` after every part. */
    function watching(each: (id: string) => Promise<void> = async () => undefined) {
      const seen = { id: '', said: [] as string[] };
      const watch: UploadWatch = {
        begun: async (id) => {
          seen.id = id;
          seen.said.push('begun');
        },
        going: async () => {
          seen.said.push('going');
          await each(seen.id);
        },
        ended: async () => void seen.said.push('ended'),
      };
      return { seen, watch };
    }

    beforeAll(() => writeFileSync(file, body));

    it('is the same file, with the checksum of the whole', async () => {
      const key = newKey();
      const sizes: (number | undefined)[] = [];
      const { seen, watch } = watching(async (id) => {
        sizes.push(await other!.sizeOfUpload(key, id));
        expect(await bucket!.head(key)).toBeUndefined();
      });
      await bucket!.putParts(key, file, { ...whole, watch });
      const { sha256: checksum, size, mark } = whole;
      expect(await bucket!.head(key)).toMatchObject({ size, sha256: checksum, ours: mark });
      expect(sha256((await bucket!.get(key))!.bytes)).toBe(checksum);
      const part = 16 * 1024 * 1024;
      expect(sizes).toEqual([part, 2 * part, size]);
      expect(seen.said).toEqual(['begun', 'going', 'going', 'going', 'ended']);
      expect(await bucket!.sizeOfUpload(key, seen.id)).toBeUndefined();
    });

    it('that fails on the way leaves no object and no parts', async () => {
      const key = newKey('cut');
      const { seen, watch } = watching();
      const longer = { ...whole, size: body.length + 1, watch };
      await expect(bucket!.putParts(key, file, longer)).rejects.toMatchObject({
        name: 'StorageUnavailable',
        message: expect.stringContaining('/cut'),
      });
      expect(await bucket!.head(key)).toBeUndefined();
      expect(await bucket!.sizeOfUpload(key, seen.id)).toBeUndefined();
      expect(seen.said.at(-1)).toBe('ended');
    });

    it('can be given up by another client, and that again', async () => {
      const key = newKey();
      const { seen, watch } = watching((id) => other!.abortUpload(key, id));
      await expect(bucket!.putParts(key, file, { ...whole, watch })).rejects.toMatchObject({
        retryable: expect.any(Boolean),
      });
      await other!.abortUpload(key, seen.id);
      expect(await bucket!.head(key)).toBeUndefined();
      expect(await bucket!.sizeOfUpload(key, seen.id)).toBeUndefined();
    });
  });

  describe('under a signal that is aborted', () => {
    it('asks nothing, and throws its reason; what must come to its end does', async () => {
      const key = newKey();
      const why = new Error('it was stopped');
      const signal = AbortSignal.abort(why);
      await expect(underSignal(signal, () => put(key, 'v'))).rejects.toBe(why);
      expect(await bucket!.head(key)).toBeUndefined();
      await underSignal(signal, () => withoutSignal(() => put(key, 'v')));
      expect(await read(key)).toBe('v');
    });
  });
}
