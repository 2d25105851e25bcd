import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseParams } from '../../contract/params.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { Artifacts } from '../../store/artifacts.ts';
import { Attempts } from '../../store/attempts.ts';
import type { Bucket, StoredObject } from '../../store/bucket.ts';
import { Champions } from '../../store/champions.ts';
import { Ledgers } from '../../store/ledger/ledger.ts';
import { manifestSchema } from '../../store/manifest.ts';
import { Records } from '../../store/records.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { StageCache } from '../../store/stage-cache.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

const folder = fileURLToPath(new URL('./fixtures/', import.meta.url));

/** A stored document as a program of its time wrote it: `ledger.1.json` is schema 1 of a ledger. */
function fixture(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${folder}${name}`, 'utf8')) as Record<string, unknown>;
}

/** A bucket in which every key holds a document. */
class Holding extends MemoryBucket {
  readonly #documentAt: (key: string) => unknown;

  constructor(documentAt: (key: string) => unknown) {
    super();
    this.#documentAt = documentAt;
  }

  override async get(key: string): Promise<StoredObject> {
    return { bytes: Buffer.from(JSON.stringify(this.#documentAt(key))), etag: 'e' };
  }
}

const holding = (document: unknown): Bucket => new Holding(() => document);

/** The record of version 2, with a pointer to it. */
const withPointer = (pointer: string): Bucket =>
  new Holding((key) => fixture(key.endsWith('latest.json') ? pointer : 'record.1.json'));

/** How today's program reads each kind. */
const READERS: Record<string, (bucket: Bucket) => Promise<unknown>> = {
  ledger: (bucket) => new Ledgers(bucket).read('iris'),
  builds: (bucket) => new Records(bucket).collectedAt({ pipeline: 'iris', version: 2, seq: 1 }),
  record: async (bucket) => {
    const { bytes } = (await bucket.get('record'))!;
    const pointed = withPointer('builds.1.json');
    const get = pointed.get.bind(pointed);
    pointed.get = async (key) => (key.endsWith('latest.json') ? get(key) : { bytes, etag: 'e' });
    return new Records(pointed).read('iris', 2, 1);
  },
  index: (bucket) => new Records(bucket).list('iris'),
  'cache-entry': (bucket) =>
    new StageCache(bucket, new Artifacts(bucket)).read('train', 'key of the entry'),
  champions: (bucket) => new Champions(bucket).read('iris'),
  attempt: (bucket) => new Attempts(bucket).read('iris', 'attempt'),
};

const stored = readdirSync(folder).filter((name) => name !== 'manifest.1.json');

describe('stored documents of every schema', () => {
  it.each(stored.filter((name) => !name.startsWith('builds')))('%s is read', async (name) => {
    const read = READERS[name.split('.')[0]!]!;
    expect(await read(holding(fixture(name)))).toBeDefined();
  });

  it('are brought up to date where they are older', async () => {
    const ledger = await new Ledgers(holding(fixture('ledger.1.json'))).read('iris');
    expect(ledger).toMatchObject({
      schema: 4,
      location: null,
      settings: {
        source: { kind: 'file', name: 'wine.csv' },
        grows: false,
        delimiter: ',',
        decimal: '.',
        thousands: null,
        split_time: null,
      },
      arrivals: [],
    });
    expect(ledger!.batches).toEqual(fixture('ledger.3.json')['batches']);
    const record = await READERS['record']!(holding(fixture('record.1.json')));
    expect(record).toMatchObject({ schema: 3, trial: null, comparisons: [] });
    const compared = (await READERS['record']!(holding(fixture('record.2.json')))) as VersionRecord;
    expect(compared.comparisons).toMatchObject([{ version: 1, seq: 1, roles: ['before'] }]);
    const lines = await new Records(holding(fixture('index.1.json'))).list('iris');
    expect(lines[0]).toMatchObject({ params: null });
  });

  it('of before tables could grow have one state, the whole', async () => {
    const closed = await new Ledgers(holding(fixture('ledger.1.json'))).read('iris');
    expect(closed!.raw).toMatchObject([{ after: 0, whole: null }]);
    const grown = await new Ledgers(holding(fixture('ledger.2-grown.json'))).read('web');
    expect(grown!.raw.map(({ after, whole }) => [after, whole?.rows ?? null])).toEqual([
      [0, null],
      [2, 150],
      [3, 180],
      [4, 230],
    ]);
  });

  it.each(Object.keys(READERS))('a newer %s is refused with a sentence', async (kind) => {
    const newest = stored
      .filter((name) => name.startsWith(`${kind}.`))
      .toSorted()
      .at(-1)!;
    const newer = { ...fixture(newest), schema: 99 };
    await expect(READERS[kind]!(holding(newer))).rejects.toThrow(
      /schema 99, newer than this program knows \(\d\): update the program/,
    );
  });

  it("the params of a record are today's params", () => {
    const { data } = parseParams(paramsSchema, fixture('record.1.json')['params'], 'the record');
    const contract = { on_new_column: 'fail', on_missing_column: 'fail', on_new_category: 'adapt' };
    expect(data).toMatchObject(contract);
  });

  it.each(['builds.1.json', 'builds.2.json'])('%s leads to its record', async (name) => {
    const found = await new Records(withPointer(name)).findLatest('iris', 2);
    expect(found).toMatchObject({ fault: undefined, hasSha256: name === 'builds.2.json' });
    expect(found.record.build).toBe(fixture('record.1.json')['build']);
  });

  it('a manifest lists files', () => {
    expect(manifestSchema.parse(fixture('manifest.1.json')).files.length).toBeGreaterThan(0);
  });
});
