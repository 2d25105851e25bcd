import { describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../store/bucket.ts';
import { Records } from '../../store/records.ts';
import { everyOrder, type Client } from '../support/interleavings.ts';
import { editDocument } from '../support/edit-document.ts';
import { MemoryBucket, noteRequests } from '../support/memory-bucket.ts';
import { sha256 } from '../../store/hash.ts';
import { latestKey, recordKey, type VersionRecord } from '../../store/version-record.ts';
import { buildRecord } from '../client/records.ts';
import { draftRecord, refuse } from './made-records.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../support/interleavings.ts');
  return sleepMock;
});

const publish =
  (build: string): Client =>
  (bucket) =>
    new Records(bucket).publish(draftRecord({ build }));

const tryOut =
  (build: string): Client =>
  (bucket) =>
    new Records(bucket).recordTrial(draftRecord({ build, trial: { 'model.max_depth': 1 } }));

/** The state of each build of version 1. */
async function statesIn(bucket: Bucket): Promise<Record<string, string>> {
  const builds = await new Records(bucket).listBuilds({ pipeline: 'p', version: 1 }, refuse);
  return Object.fromEntries(builds.map(({ record, state }) => [record.build, state]));
}

/** The builds of version 1 by their number, from 1: undefined where one has no record. */
async function buildsIn(bucket: Bucket): Promise<(string | undefined)[]> {
  const builds: (string | undefined)[] = [];
  for (let seq = 1; seq <= 4; seq++)
    builds.push((await new Records(bucket).read('p', 1, seq))?.build);
  return builds;
}

/** What is latest is one thing: pointer, record and index agree. */
async function expectOneLatest(bucket: Bucket): Promise<void> {
  const records = new Records(bucket);
  const { seq } = await records.latest('p', 1);
  expect((await records.list('p')).map((line) => [line.version, line.seq])).toEqual([[1, seq]]);
}

describe('in every order of their requests', () => {
  it('two builds get a number each, and one is the latest everywhere', async () => {
    const runs = await everyOrder({
      clients: () => [publish('a'), publish('b')],
      after: async (bucket, ended) => {
        expect(ended.map(({ status }) => status)).toEqual(['done', 'done']);
        const [first, second, ...more] = await buildsIn(bucket);
        expect(new Set([first, second])).toEqual(new Set(['a', 'b']));
        expect(more).toEqual([undefined, undefined]);
        await expectOneLatest(bucket);
      },
      switches: 3,
    });
    expect(runs).toBeGreaterThan(300);
  });

  it('the same build published twice is one record', async () => {
    await everyOrder({
      clients: () => [publish('a'), publish('a')],
      after: async (bucket) => {
        expect(await buildsIn(bucket)).toEqual(['a', undefined, undefined, undefined]);
        await expectOneLatest(bucket);
      },
      switches: 3,
    });
  });

  it('a trial beside a version leaves the version the latest, and is listed as a trial', async () => {
    await everyOrder({
      clients: () => [publish('a'), tryOut('b')],
      after: async (bucket) => {
        await expectOneLatest(bucket);
        expect((await new Records(bucket).latest('p', 1)).build).toBe('a');
        expect(await statesIn(bucket)).toEqual({ a: 'published', b: 'trial' });
      },
      switches: 3,
    });
  });

  it('a trial of a build that is published at the same time is no trial', async () => {
    await everyOrder({
      clients: () => [publish('a'), tryOut('a')],
      after: async (bucket) => {
        await expectOneLatest(bucket);
        expect(await statesIn(bucket)).toEqual({ a: 'published' });
      },
      switches: 3,
    });
  });

  it('a crash leaves nothing that the next try does not complete', async () => {
    await everyOrder({
      before: async (bucket) => void (await publish('before')(bucket)),
      clients: () => [publish('a'), publish('b')],
      crashes: 1,
      switches: 1,
      after: async (bucket) => {
        // What is called the latest now has a record.
        const { build } = await new Records(bucket).latest('p', 1);
        expect(['before', 'a', 'b']).toContain(build);
        await publish('a')(bucket);
        const builds = await buildsIn(bucket);
        expect(builds[0]).toBe('before');
        expect(builds.filter((one) => one === 'a')).toHaveLength(1);
        expect((await new Records(bucket).latest('p', 1)).build).toBe('a');
        await expectOneLatest(bucket);
      },
    });
  });
});

describe('a record that is lost', () => {
  /** Another run of the same build, which notes another time. */
  const publishLater =
    (created_at: string): Client =>
    (bucket) =>
      new Records(bucket).publish(draftRecord({ build: 'a', created_at }));
  const lose = async (bucket: Bucket): Promise<void> => {
    await publish('a')(bucket);
    await bucket.delete(recordKey('p', 1, 1));
  };

  it('is written again by the next run, also after a crash and beside another run', async () => {
    await everyOrder({
      before: lose,
      clients: () => [
        publishLater('2026-06-01T00:00:00.000Z'),
        publishLater('2026-07-01T00:00:00.000Z'),
      ],
      crashes: 1,
      switches: 2,
      after: async (bucket) => {
        expect((await new Records(bucket).findLatest('p', 1)).hasSha256).toBe(true);
        await publishLater('2026-08-01T00:00:00.000Z')(bucket);
        expect(await buildsIn(bucket)).toEqual(['a', undefined, undefined, undefined]);
        await expectOneLatest(bucket);
      },
    });
  });

  it('is named, with what helps', async () => {
    const bucket = new MemoryBucket();
    await lose(bucket);
    const records = new Records(bucket);
    const sentence =
      'the record of build 1.1 of p (versions/p/000001/000001.json) is missing from the bucket: restore it from a backup';
    const again = `${sentence}, or build the version again with "npx retrain run 1 --pipeline p"`;
    await expect(records.latest('p', 1)).rejects.toThrow(again);
    await publish('b')(bucket);
    await expect(records.readBuild({ pipeline: 'p', version: 1, seq: 1 })).rejects.toThrow(
      expect.objectContaining({ message: sentence }),
    );
    const errors: string[] = [];
    await records.listBuilds({ pipeline: 'p' }, ({ message }) => errors.push(message));
    expect(errors).toEqual([sentence]);
  });

  it('is not lost where a run ended before it wrote the record of its build', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    await publish('a')(bucket);
    await editDocument<{ builds: object[] }>(bucket, latestKey('p', 1), ({ builds }) => {
      builds.push({ build: 'b', sha256: null, trial: false });
    });
    await expect(records.readBuild({ pipeline: 'p', version: 1, seq: 2 })).rejects.toThrow(
      'version 1 of p has no build 2',
    );
    expect(await records.listBuilds({ pipeline: 'p' }, refuse)).toHaveLength(1);
  });
});

/** Every value in a document, as a function that changes it and keeps its type. */
function listEdits(document: object, above = ''): [path: string, edit: (of: object) => void][] {
  return Object.entries(document).flatMap(([name, value]) => {
    const path = `${above}${name}`;
    const inside = (edits: ReturnType<typeof listEdits>): ReturnType<typeof listEdits> =>
      edits.map(([at, change]) => [at, (of) => change((of as Record<string, object>)[name]!)]);
    if (typeof value === 'object' && value !== null && Object.keys(value).length > 0)
      return inside(listEdits(value as object, `${path}.`));
    const other = new Map<string, unknown>([
      ['number', Number(value) + 1],
      ['boolean', value !== true],
      ['string', `${String(value).slice(0, -1)}${String(value).endsWith('0') ? '1' : '0'}`],
    ]).get(typeof value);
    return [[path, (of) => Object.assign(of, { [name]: other ?? ['more'] })]];
  });
}

describe('a record that was edited after it was published', () => {
  const { schema: _, seq: __, ...draft } = buildRecord(2).record;
  const key = recordKey('iris', 2, 1);
  const edits = listEdits({ ...draft, schema: 3, seq: 1 });

  it('has many fields', () => expect(edits.length).toBeGreaterThan(120));

  it.each(edits)('is found by its SHA-256: %s', async (_path, change) => {
    const bucket = new MemoryBucket();
    await new Records(bucket).publish(draft);
    await editDocument(bucket, key, change);
    for (const read of [
      new Records(bucket).latest('iris', 2),
      new Records(bucket).read('iris', 2, 1),
      new Records(bucket).publish(draft),
    ])
      await expect(read).rejects.toThrow(expect.objectContaining({ name: 'DamagedArtifact' }));
  });

  it('is named with the way to repair it, and another build takes its place', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    await records.publish(draft);
    await editDocument<VersionRecord>(bucket, key, ({ metrics }) => {
      metrics['accuracy'] = 0.99;
    });
    const refusal = expect.objectContaining({
      name: 'DamagedArtifact',
      message: `the record of version 2 of iris (${key}) has been changed by hand or damaged (its SHA-256 is not the one in ${latestKey('iris', 2)}): restore it from a backup, or build the version again with "npx retrain run 2 --force --pipeline iris"`,
      details: { key },
    });
    await expect(records.latest('iris', 2)).rejects.toThrow(refusal);
    await expect(records.readLatest('iris', 2)).rejects.toThrow(refusal);
    expect((await records.findLatest('iris', 2)).fault).toMatch(/^its SHA-256 is not/);
    await records.publish({ ...draft, build: 'another' });
    expect((await records.latest('iris', 2)).seq).toBe(2);
  });

  it.each([
    ['params', {}],
    ['params', { data: {} }],
    ['params', { model: {} }],
    ['created_at', 'yesterday'],
  ])(
    'is named where its %s cannot be its own (%j), even if the pointer has its hash',
    async (name, value) => {
      const bucket = new MemoryBucket();
      const records = new Records(bucket);
      await records.publish(draft);
      await editDocument<VersionRecord>(bucket, key, (stored) =>
        Object.assign(stored, { [name]: value }),
      );
      const bytes = (await bucket.get(key))!.bytes;
      await editDocument<{ builds: { sha256: string }[] }>(
        bucket,
        latestKey('iris', 2),
        ({ builds }) => {
          builds[0]!.sha256 = sha256(bytes);
        },
      );
      await expect(records.latest('iris', 2)).rejects.toThrow(
        `${key} has been changed by hand or damaged (${name}: `,
      );
    },
  );

  it('cannot be another build with its own hash', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    await records.publish(draft);
    await records.publish({ ...draft, build: 'another' });
    const first = (await bucket.get(key))!.bytes;
    const options = { sha256: sha256(first), contentType: 'application/json' };
    await bucket.put(recordKey('iris', 2, 2), first, options);
    await bucket.put(recordKey('iris', 2, 3), first, options);
    await expect(records.latest('iris', 2)).rejects.toThrow(/its SHA-256 is not the one in/);
    await expect(records.read('iris', 2, 3)).rejects.toThrow(/its build is not build 3 of/);
  });
});

describe('a pointer that an earlier program wrote', () => {
  const { schema: _, seq: __, ...draft } = buildRecord(2).record;
  const pointer = latestKey('iris', 2);

  async function older(): Promise<Bucket> {
    const bucket = new MemoryBucket();
    await new Records(bucket).publish(draft);
    await editDocument<{ schema: number; builds: unknown[] }>(bucket, pointer, (document) => {
      document.schema = 1;
      document.builds = ['b'];
    });
    return bucket;
  }

  it('leads to its record, whose SHA-256 it does not have', async () => {
    const found = await new Records(await older()).findLatest('iris', 2);
    expect(found).toMatchObject({ hasSha256: false, fault: undefined, record: { build: 'b' } });
  });

  it('has no trials', async () => {
    const records = new Records(await older());
    expect(await records.isTrial({ pipeline: 'iris', version: 2, seq: 1 })).toBe(false);
    await records.publish({ ...draft, build: 'another' });
    expect(
      (await records.listBuilds({ pipeline: 'iris', version: 2 }, refuse)).map(
        ({ state }) => state,
      ),
    ).toEqual(['earlier', 'published']);
  });

  it.each(['publish', 'addSha256'] as const)('gets the SHA-256 by %s', async (how) => {
    const bucket = await older();
    const records = new Records(bucket);
    if (how === 'addSha256') await records.addSha256(await records.latest('iris', 2));
    else await records.publish(draft);
    expect((await records.findLatest('iris', 2)).hasSha256).toBe(true);
    await editDocument<VersionRecord>(bucket, recordKey('iris', 2, 1), (record) => {
      record.forced = true;
    });
    await expect(records.latest('iris', 2)).rejects.toThrow(/its SHA-256 is not the one in/);
    await records.addSha256((await records.findLatest('iris', 2)).record);
    await expect(records.latest('iris', 2)).rejects.toThrow(/its SHA-256 is not the one in/);
  });
});

describe('the builds of a pipeline', () => {
  const params = { data: {}, model: { max_depth: 5 } };
  const draft = (version: number, build: string) => draftRecord({ version, build, params });

  it('are listed by version and number, with what is published, tried out and earlier', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    await records.publish(draft(2, 'a'));
    await records.publish(draft(1, 'a'));
    await records.publish(draft(1, 'b'));
    await records.recordTrial(draft(1, 'c'));
    await bucket.put('versions/p/notes/x', Buffer.from('v'), { sha256: sha256('v') });
    const list = async (version?: number, report: (error: Error) => void = refuse) =>
      (await records.listBuilds({ pipeline: 'p', version }, report)).map(({ record, state }) => [
        record.version,
        record.seq,
        state,
      ]);
    const ofFirst = [
      [1, 1, 'earlier'],
      [1, 2, 'published'],
      [1, 3, 'trial'],
    ];
    expect(await list()).toEqual([...ofFirst, [2, 1, 'published']]);
    expect(await list(1)).toEqual(ofFirst);
    expect(await list(3)).toEqual([]);
    await bucket.delete(recordKey('p', 1, 2));
    expect(await list(1, () => undefined)).toEqual([ofFirst[0], ofFirst[2]]);
  });

  it('that are trials stay trials until they are published', async () => {
    const records = new Records(new MemoryBucket());
    await records.publish(draft(1, 'a'));
    const { record } = await records.recordTrial(draft(1, 'b'));
    const isTrial = (seq: number) => records.isTrial({ pipeline: 'p', version: 1, seq });
    expect([await isTrial(1), await isTrial(2), await isTrial(3)]).toEqual([false, true, false]);
    expect((await records.latest('p', 1)).build).toBe('a');
    await records.publishAgain(record);
    expect(await isTrial(2)).toBe(false);
    expect((await records.latest('p', 1)).build).toBe('b');
    expect((await records.list('p')).map(({ seq }) => seq)).toEqual([2]);
    expect((await records.findLatest('p', 1)).hasSha256).toBe(true);
  });

  it('a version with trials alone has not been built', async () => {
    const records = new Records(new MemoryBucket());
    await records.recordTrial(draft(1, 'a'));
    await expect(records.latest('p', 1)).rejects.toMatchObject({ name: 'MissingHistory' });
    expect(await records.list('p')).toEqual([]);
  });

  it('are none of a pipeline without versions', async () => {
    const records = new Records(new MemoryBucket());
    const of = { pipeline: 'p', version: 1, seq: 1 };
    expect(await records.listWithParams('p')).toEqual([]);
    expect(await records.revisions('p')).toEqual([]);
    expect(await records.isTrial(of)).toBe(false);
    expect(await records.collectedAt(of)).toBeUndefined();
    expect(await records.readLatest('p', 1)).toBeUndefined();
    await expect(records.readBuild(of)).rejects.toThrow(
      expect.objectContaining({
        name: 'MissingHistory',
        message: expect.stringMatching(/^version 1 of p has not been built: "npx retrain list /),
      }),
    );
  });

  it('are read by their number, and the published one where none is given', async () => {
    const records = new Records(new MemoryBucket());
    await records.publish(draft(1, 'a'));
    await records.publish(draft(1, 'b'));
    const of = { pipeline: 'p', version: 1 };
    expect(await records.readBuild({ ...of, seq: 1 })).toMatchObject({ seq: 1, build: 'a' });
    expect(await records.readBuild(of)).toMatchObject({ seq: 2, build: 'b' });
    expect(await records.readLatest('p', 1)).toEqual(await records.latest('p', 1));
    await expect(records.readBuild({ ...of, seq: 3 })).rejects.toThrow(
      expect.objectContaining({
        name: 'MissingHistory',
        message:
          'version 1 of p has no build 3: list its builds with "npx retrain list --all --pipeline p"',
      }),
    );
  });

  it('are listed without one whose record was edited, which is reported', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    for (const build of ['a', 'b']) await records.publish(draft(1, build));
    await editDocument<VersionRecord>(bucket, recordKey('p', 1, 1), (record) => {
      Object.assign(record, { forced: true });
    });
    const errors: string[] = [];
    const listed = await records.listBuilds({ pipeline: 'p' }, ({ message }) => {
      errors.push(message);
    });
    expect(listed.map(({ record }) => record.build)).toEqual(['b']);
    expect(errors).toEqual([expect.stringContaining('versions/p/000001/000001.json')]);
  });

  it('are listed without those of a version whose pointer is damaged', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    for (const version of [1, 2]) await records.publish(draft(version, 'a'));
    await bucket.put(latestKey('p', 1), Buffer.from('{'), { sha256: sha256('{') });
    const errors: string[] = [];
    const listed = await records.listBuilds({ pipeline: 'p' }, ({ message }) =>
      errors.push(message),
    );
    expect(listed.map(({ record }) => record.version)).toEqual([2]);
    expect(errors).toEqual([expect.stringContaining(latestKey('p', 1))]);
  });

  it('are not written again where they are published again', async () => {
    const { bucket, sent, listPuts } = noteRequests();
    const records = new Records(bucket);
    await records.publish(draft(1, 'a'));
    sent.length = 0;
    await records.publish(draft(1, 'a'));
    expect(listPuts()).toEqual([]);
  });

  it('know when gc removed their artifacts, until they are published again', async () => {
    const records = new Records(new MemoryBucket());
    await records.publish(draft(1, 'a'));
    await records.publish(draft(1, 'b'));
    const at = (seq: number) => records.collectedAt({ pipeline: 'p', version: 1, seq });
    await records.markCollected({ pipeline: 'p', version: 1, seq: 1 }, 'monday');
    await records.markCollected({ pipeline: 'p', version: 1, seq: 2 }, 'tuesday');
    await records.markCollected({ pipeline: 'p', version: 1, seq: 1 }, 'wednesday');
    expect([await at(1), await at(2), await at(3)]).toEqual(['wednesday', 'tuesday', undefined]);
    await records.publish(draft(1, 'b'));
    expect([await at(1), await at(2)]).toEqual(['wednesday', undefined]);
  });

  it('a note of gc on a version without a pointer is kept', async () => {
    const records = new Records(new MemoryBucket());
    await records.markCollected({ pipeline: 'p', version: 1, seq: 1 }, 'monday');
    expect(await records.collectedAt({ pipeline: 'p', version: 1, seq: 1 })).toBe('monday');
  });

  it('have their params and ledger revisions in the list, also in lines of an earlier program', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    await records.publish({ ...draft(1, 'a'), ledger_revision: 3 });
    const other = { data: {}, model: { max_depth: 7 } };
    await records.publish({ ...draft(2, 'a'), ledger_revision: 4, params: other });
    const expectAll = async (): Promise<void> => {
      expect(await records.revisions('p')).toEqual([
        { version: 1, ledger_revision: 3 },
        { version: 2, ledger_revision: 4 },
      ]);
      const lines = await records.listWithParams('p');
      expect(lines.map((line) => line.params)).toEqual([params, other]);
    };
    await expectAll();
    await editDocument<{ versions: object[] }>(bucket, 'versions/p/index.json', ({ versions }) => {
      for (const line of versions) Object.assign(line, { params: null, ledger_revision: null });
    });
    await expectAll();
    expect((await records.list('p')).map((line) => line.params)).toEqual([null, null]);
  });

  it('change their line where they are logged again, and only theirs', async () => {
    const records = new Records(new MemoryBucket());
    await records.publish(draft(1, 'a'));
    await records.publish(draft(2, 'a'));
    const before = await records.list('p');
    const logged = { run_id: 'r', model_version: '7' };
    await records.noteLogged({ pipeline: 'p', version: 1, seq: 9 }, logged); // not the latest
    expect(await records.list('p')).toEqual(before);
    await records.noteLogged({ pipeline: 'p', version: 1, seq: 1 }, logged);
    expect(await records.list('p')).toEqual([{ ...before[0], ...logged }, before[1]]);
    // A repeat of the run does not forget where it is logged now, and another build is logged elsewhere.
    await records.publish(draft(1, 'a'));
    expect((await records.list('p'))[0]).toMatchObject(logged);
    await records.publish(draft(1, 'b'));
    expect((await records.list('p'))[0]).toMatchObject({ run_id: null, model_version: null });
  });

  it('whose record has gone get no SHA-256', async () => {
    const bucket = new MemoryBucket();
    const records = new Records(bucket);
    const { record } = await records.publish(draft(1, 'a'));
    await bucket.delete(recordKey('p', 1, 1));
    await expect(records.addSha256(record)).resolves.toBeUndefined();
    expect(await records.read('p', 1, 1)).toBeUndefined();
    expect(await records.read('p', 2, 1)).toBeUndefined();
  });
});
