import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { objectKey, md5, refOf, sha256 } from '../../store/hash.ts';
import { createDocument, readDocument, swapDocument } from '../../store/documents.ts';
import { storeIn, type Store } from '../../store/index.ts';
import { batchesAt, ledgerKey } from '../../store/ledger/ledger.ts';
import { recordKey } from '../../store/version-record.ts';
import type { BucketServer } from './bucket-contract.ts';
import { OPENED, SETTINGS } from './ledger/ledger-settings.ts';
import { draftRecord } from './made-records.ts';

/** What the store promises to several clients at once: held against each kind of storage there is. */
export function holdsStoreContract(start: () => Promise<BucketServer>): void {
  let server: BucketServer;
  let store: Store;
  let other: Store;

  beforeAll(async () => {
    server = await start();
    const name = `contract-${randomUUID().slice(0, 13)}`;
    [store, other] = [storeIn(server.open(name)), storeIn(server.open(name))];
    await store.bucket.ensure();
  });

  afterAll(async () => {
    store?.bucket.close();
    other?.bucket.close();
    await server?.stop?.();
  });

  describe('artifacts', () => {
    it.each(['', 'text', 'ü 😀', '\0\u0001\r\n'])(
      'come back as they were stored: %j',
      async (text) => {
        const bytes = Buffer.from(text);
        const ref = await store.artifacts.put('a b/ü😀.bin', bytes);
        expect(ref).toMatchObject({ md5: md5(bytes), sha256: sha256(bytes), size: bytes.length });
        expect(Buffer.from(await store.artifacts.get(ref)).equals(bytes)).toBe(true);
      },
    );

    it('are where DVC looks for them', async () => {
      const { md5: name } = await store.artifacts.put('x', Buffer.from('where'));
      const stored = await store.bucket.get(`files/md5/${name.slice(0, 2)}/${name.slice(2)}`);
      expect(Buffer.from(stored!.bytes).toString()).toBe('where');
    });

    it('of eight megabytes go whole', async () => {
      const bytes = Buffer.alloc(8 * 1024 * 1024, 'abcdefg');
      const ref = await store.artifacts.put('big', bytes);
      expect(Buffer.from(await store.artifacts.get(ref)).equals(bytes)).toBe(true);
    });

    it('that are damaged are not taken for whole, and the next put repairs them', async () => {
      const ref = await store.artifacts.put('m', Buffer.from('right'));
      const wrong = Buffer.from('wrong');
      await store.bucket.put(objectKey(ref.md5), wrong, { sha256: sha256(wrong) });
      expect(await store.artifacts.has(ref)).toBe(false);
      await expect(store.artifacts.get(ref)).rejects.toMatchObject({
        name: 'DamagedArtifact',
        details: { ref },
      });
      await store.artifacts.put('m', Buffer.from('right'));
      expect(await store.artifacts.has(ref)).toBe(true);
    });

    it('that are missing say so', async () => {
      const ref = { path: 'p', md5: md5('never'), sha256: sha256('never'), size: 5 };
      expect(await store.artifacts.has(ref)).toBe(false);
      await expect(store.artifacts.get(ref)).rejects.toThrow('p is missing from the bucket');
    });

    it('make directories without being copied, by our manifest and DVC’s', async () => {
      const files = await Promise.all(
        ['b', 'a'].map((name) => store.artifacts.put(name, Buffer.from(name))),
      );
      const ref = await store.artifacts.putDirectory('d/', files);
      expect((await store.artifacts.list(ref)).map(({ path }) => path)).toEqual(['a', 'b']);
      const dvc = await store.bucket.get(objectKey(ref.md5));
      expect(JSON.parse(Buffer.from(dvc!.bytes).toString())).toEqual([
        { md5: md5('a'), relpath: 'a' },
        { md5: md5('b'), relpath: 'b' },
      ]);
    });
  });

  describe('documents', () => {
    const counter = {
      schema: 1,
      shape: z.strictObject({ schema: z.literal(1), n: z.int() }),
    };

    it('are created once, whichever client comes first', async () => {
      const made = await Promise.all(
        [store, other, store, other].map(({ bucket }, n) =>
          createDocument(bucket, 'once.json', { schema: 1, n }),
        ),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      const { value } = (await readDocument(store.bucket, 'once.json', counter))!;
      expect(value.n).toBe(made.indexOf(true));
    });

    it('lose no change when many swap at once', async () => {
      const swap = ({ bucket }: Store): Promise<unknown> =>
        swapDocument(bucket, 'count.json', counter, (now) => ({
          schema: 1 as const,
          n: (now?.n ?? 0) + 1,
        }));
      await Promise.all(Array.from({ length: 20 }, (_, i) => swap(i % 2 ? store : other)));
      expect((await readDocument(store.bucket, 'count.json', counter))!.value.n).toBe(20);
    });

    it('written by a newer program, by hand, or torn are refused by name', async () => {
      const write = async (text: string): Promise<unknown> => {
        await store.bucket.put('odd.json', Buffer.from(text), { sha256: sha256(text) });
        return readDocument(store.bucket, 'odd.json', counter);
      };
      await expect(write('{"schema":2}')).rejects.toThrow('odd.json has schema 2, newer');
      await expect(write('{"schema":1,"n":"x"}')).rejects.toThrow('changed by hand or damaged (n:');
      await expect(write('{"schema":1,"n"')).rejects.toThrow('odd.json is not JSON');
    });
  });

  describe('a ledger', () => {
    const batchOf = async (batch: number, text = `batch ${batch}`) => {
      const ref = await store.artifacts.put(`b${batch}`, Buffer.from(text));
      return { batch, rows: 2, ref, raw: raw.sha256, from: 0 };
    };

    const raw = refOf('raw.csv', Buffer.from('raw'));

    it('takes each batch once, in order, from writers at once, and keeps it', async () => {
      const entry = { ref: raw, columns: raw, rows: 8, fetched_at: '', etag: null };
      await Promise.all([store, other].map(({ ledgers }) => ledgers.open('race', OPENED, entry)));
      const batches = await Promise.all([1, 2, 3, 4].map((batch) => batchOf(batch)));
      await Promise.all(
        [2, 4, 3, 4].map((last, i) =>
          (i % 2 ? store : other).ledgers.append('race', SETTINGS, batches.slice(0, last)),
        ),
      );
      const ledger = (await store.ledgers.read('race'))!;
      expect(ledger.batches.map(({ batch, ref }) => [batch, ref])).toEqual(
        batches.map(({ batch, ref }) => [batch, ref]),
      );
      expect(batchesAt(ledger, 9, ledger.batches[1]!.revision)).toHaveLength(4);
    });

    it('refuses other bytes under a number that is taken, and a gap', async () => {
      const other4 = await batchOf(4, 'other rows');
      await expect(store.ledgers.append('race', SETTINGS, [other4])).rejects.toThrow('other bytes');
      const far = await batchOf(9);
      await expect(store.ledgers.append('race', SETTINGS, [far])).rejects.toThrow('cannot follow');
      expect((await store.ledgers.read('race'))!.batches).toHaveLength(4);
    });

    it('opened on other data meanwhile is a conflict, not a mixture', async () => {
      const stranger = { ...(await batchOf(5)), raw: sha256('another file') };
      const append = store.ledgers.append('race', SETTINGS, [stranger]);
      await expect(append).rejects.toMatchObject({ name: 'Conflict' });
    });

    it('opened under other settings meanwhile is a conflict, not a mixture', async () => {
      const changed = { ...SETTINGS, batch_size: 3 };
      const append = store.ledgers.append('race', changed, [await batchOf(5)]);
      await expect(append).rejects.toMatchObject({ name: 'Conflict' });
    });

    it('that has been damaged says which document to restore', async () => {
      await store.bucket.put(ledgerKey('torn'), Buffer.from('{'), { sha256: sha256('{') });
      await expect(store.ledgers.read('torn')).rejects.toThrow('ledgers/torn.json is not JSON');
    });
  });

  describe('version records', () => {
    const draft = (build: string) => draftRecord({ build });

    it('number the builds without a gap, each once, when several clients publish at once', async () => {
      const builds = Array.from({ length: 12 }, (_, i) => `build ${i % 4}`);
      await Promise.all(
        builds.map((build, i) => (i % 2 ? store : other).records.publish(draft(build))),
      );
      const { seq } = await store.records.latest('p', 1);
      const all = await Promise.all(
        [1, 2, 3, 4].map((number) => store.records.read('p', 1, number)),
      );
      expect(all.every((record) => record !== undefined)).toBe(true);
      expect(new Set(all.map((record) => record!.build)).size).toBe(4);
      expect(await store.records.read('p', 1, 5)).toBeUndefined();
      const [line] = await store.records.list('p');
      expect(line!.seq).toBe(seq);
    });

    it('are immutable: publishing the same build again gives the same record', async () => {
      const first = await store.records.publish(draft('last'));
      const again = await other.records.publish(draft('last'));
      expect(again).toEqual(first);
      expect(first.ref.path).toBe(recordKey('p', 1, first.record.seq));
      const stored = await store.bucket.get(first.ref.path);
      expect(sha256(stored!.bytes)).toBe(first.ref.sha256);
    });

    it('make an earlier build the latest again, without a second record of it', async () => {
      const first = await store.records.publish(draft('build 0'));
      const { seq } = await store.records.latest('p', 1);
      expect(seq).toBe(first.record.seq);
      expect((await store.records.list('p'))[0]!.seq).toBe(seq);
    });

    it('keep the present latest until what comes before is done, which a repeat does again', async () => {
      const standing = await store.records.latest('p', 1);
      const fails = async (): Promise<void> => Promise.reject(new Error('not yet'));
      await expect(store.records.publish(draft('late'), fails)).rejects.toThrow('not yet');
      expect(await store.records.latest('p', 1)).toEqual(standing);
      const calls: string[] = [];
      const counted = async (): Promise<void> => void calls.push('done');
      const { record } = await store.records.publish(draft('late'), counted);
      await store.records.publish(draft('late'), counted);
      expect(calls).toEqual(['done', 'done']);
      expect(await store.records.latest('p', 1)).toEqual(record);
    });

    it('are listed from the records where the index has gone, which the next build writes again', async () => {
      await store.records.publish({ ...draft('second'), version: 2 });
      const listed = await store.records.list('p');
      expect(listed.map(({ version }) => version)).toEqual([1, 2]);
      const index = 'versions/p/index.json';
      await store.bucket.put(index, Buffer.from('{'), { sha256: sha256('{') });
      await expect(store.records.list('p')).rejects.toThrow('delete it, and it is written again');
      await store.bucket.delete(index);
      expect(await store.records.list('p')).toEqual(listed);
      const logged = { run_id: 'r', model_version: '7' };
      await store.records.noteLogged({ pipeline: 'p', version: 2, seq: 1 }, logged);
      expect(await store.records.list('p')).toEqual([listed[0], { ...listed[1], ...logged }]);
      await store.bucket.delete(index);
      await store.records.publish({ ...draft('third'), version: 3 });
      expect((await store.records.list('p')).slice(0, 2)).toEqual(listed);
      expect(await store.bucket.head(index)).toBeDefined();
      expect(await store.records.list('none')).toEqual([]);
    });

    it('that are older are upgraded as they are read', async () => {
      const old = '{"n":1,"schema":1}';
      await store.bucket.put('old.json', Buffer.from(old), { sha256: sha256(old) });
      const shape = z.strictObject({ schema: z.literal(3), count: z.int(), by: z.string() });
      const upgrades = {
        1: ({ n }: Record<string, unknown>) => ({ count: n }),
        2: (two: Record<string, unknown>) => ({ ...two, by: 'nobody' }),
      };
      const read = await readDocument(store.bucket, 'old.json', { schema: 3, shape, upgrades });
      expect(read!.value).toEqual({ schema: 3, count: 1, by: 'nobody' });
    });

    it('of a version never built say where the versions are listed', async () => {
      await expect(store.records.latest('p', 7)).rejects.toThrow(
        '"npx retrain list --pipeline p" shows the versions there are',
      );
    });
  });
}
