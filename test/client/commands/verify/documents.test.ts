import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyVersions } from '../../../../client/commands/verify/versions.ts';
import { sha256 } from '../../../../store/hash.ts';
import { storeIn, type Store } from '../../../../store/index.ts';
import type { VersionLine } from '../../../../store/version-index.ts';
import { latestKey, recordKey, type VersionRecord } from '../../../../store/version-record.ts';
import { editDocument } from '../../../support/edit-document.ts';
import { MemoryBucket } from '../../../support/memory-bucket.ts';
import { buildRecord } from '../../records.ts';

const INDEX = 'versions/iris/index.json';

interface Index {
  versions: VersionLine[];
}

/** A store with the documents of version 2. Its objects are not there. */
async function publishedStore(): Promise<Store> {
  const store = storeIn(new MemoryBucket());
  const { schema: _, seq: __, ...draft } = buildRecord(2).record;
  await store.records.publish({ ...draft, metrics: { accuracy: 0.5 } });
  return store;
}

/** The problems of verify that are about the documents of a version. */
async function findProblems(store: Store): Promise<{ path: string; key: string; why: string }[]> {
  const { problems } = await verifyVersions(store, { pipeline: 'iris', version: undefined });
  const documents = problems.filter(({ key }) => key.startsWith('versions/'));
  return documents.map(({ path, key, why }) => ({ path, key, why }));
}

describe('verify', () => {
  it('finds nothing in documents as they were published', async () => {
    const store = await publishedStore();
    expect(await findProblems(store)).toEqual([]);
    const { unhashed } = await verifyVersions(store, { pipeline: 'iris', version: 2 });
    expect(unhashed).toEqual([]);
  });

  it('finds an edited record by its SHA-256, and checks the rest of the version too', async () => {
    const store = await publishedStore();
    await editDocument<VersionRecord>(store.bucket, recordKey('iris', 2, 1), (record) => {
      record.created_at = '2020-01-01T00:00:00.000Z';
    });
    expect(await findProblems(store)).toEqual([
      {
        path: 'version record',
        key: recordKey('iris', 2, 1),
        why: `its SHA-256 is not the one in ${latestKey('iris', 2)}`,
      },
    ]);
    const { problems } = await verifyVersions(store, { pipeline: 'iris', version: 2 });
    expect(problems.map(({ path }) => path)).toContain('models/batch_2/model.json');
  });

  it.each<[string, Partial<VersionLine>]>([
    ['an edited score', { metrics: { accuracy: 0.99 } }],
    ['an edited count of rows', { rows: 1_000 }],
    ['another build', { seq: 7 }],
    ['another revision of the ledger', { ledger_revision: 1 }],
  ])('finds %s in the index of versions', async (_, change) => {
    const store = await publishedStore();
    await editDocument<Index>(store.bucket, INDEX, ({ versions }) => {
      Object.assign(versions[0]!, change);
    });
    expect(await findProblems(store)).toEqual([
      { path: 'index line of version 2', key: INDEX, why: 'it differs from the record' },
    ]);
    const record = await store.records.latest('iris', 2);
    const { schema: _schema, seq: _seq, ...draft } = record;
    await store.records.publish(draft);
    expect(await findProblems(store)).toEqual([]);
  });

  it('finds a version that the index leaves out, and accepts where a version was logged later', async () => {
    const store = await publishedStore();
    const build = { pipeline: 'iris', version: 2, seq: 1 };
    await store.records.noteLogged(build, { run_id: 'later', model_version: '7' });
    await editDocument<Index>(store.bucket, INDEX, ({ versions }) => {
      versions[0]!.ledger_revision = null;
    });
    expect(await findProblems(store)).toEqual([]);
    await editDocument<Index>(store.bucket, INDEX, (index) => {
      index.versions = [];
    });
    const { problems } = await verifyVersions(store, { pipeline: 'iris', version: 2 });
    expect(problems).toContainEqual(
      expect.objectContaining({ state: 'missing', path: 'index line of version 2' }),
    );
  });

  it('names the versions whose pointers an earlier program wrote, until they have the SHA-256', async () => {
    const store = await publishedStore();
    type Pointer = { schema: number; builds: string[] };
    await editDocument<Pointer>(store.bucket, latestKey('iris', 2), (pointer) => {
      pointer.schema = 1;
      pointer.builds = ['b'];
    });
    const asked = { pipeline: 'iris', version: 2 };
    expect((await verifyVersions(store, asked)).unhashed).toEqual([2]);
    await store.records.addSha256(await store.records.latest('iris', 2));
    expect((await verifyVersions(store, asked)).unhashed).toEqual([]);
  });

  it('blames a ledger that is older than the versions, and not their records', async () => {
    const store = storeIn(new MemoryBucket());
    const { schema: _, seq: __, ...draft } = buildRecord(2).record;
    await store.records.publish({ ...draft, ledger_revision: 99 });
    const fixture = new URL('../../../store/fixtures/ledger.2.json', import.meta.url);
    const ledger = JSON.parse(readFileSync(fixture, 'utf8')) as { revision: number };
    const bytes = Buffer.from(JSON.stringify({ ...ledger, pipeline: 'iris' }));
    await store.bucket.put('ledgers/iris.json', bytes, { sha256: sha256(bytes) });
    const { problems } = await verifyVersions(store, { pipeline: 'iris', version: 2 });
    const found = problems.filter(({ path }) => ['ledger', 'version record'].includes(path));
    expect(found).toMatchObject([
      {
        key: 'ledgers/iris.json',
        why: `it is at revision ${ledger.revision}, and these versions were built from later ones: it was replaced by an older copy; restore the newest one from a backup`,
      },
    ]);
  });
});
