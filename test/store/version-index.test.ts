import { describe, expect, it } from 'vitest';
import type { VersionRecord } from '../../store/version-record.ts';
import {
  isLineOf,
  lineOf,
  makeIndexKey,
  VersionIndex,
  type VersionLine,
} from '../../store/version-index.ts';
import { editDocument } from '../support/edit-document.ts';
import { MemoryBucket, noteRequests } from '../support/memory-bucket.ts';
import { draftRecord, makeEntry, stageOf } from './made-records.ts';

type Facts = VersionRecord['comparisons'][number]['facts'];

const recordOf = (parts: Partial<VersionRecord> = {}): VersionRecord => ({
  schema: 3,
  seq: 1,
  ...draftRecord({ build: 'b', metrics: { accuracy: 0.9 }, ...parts }),
  ...parts,
});

const stage = (name: string, facts: VersionRecord['stages'][number]['facts']) => ({
  ...stageOf(makeEntry(name, 1, {})),
  facts,
});

/** A comparison with build 2 of version 1. */
const compared = (facts: Facts, role: 'before' | 'champion' = 'before') => ({
  version: 1,
  seq: 2,
  roles: [role],
  facts,
});

describe('the line of a build', () => {
  it('has its train rows, its scores and where it was logged', () => {
    const mlflow = {
      tracking_uri: 'u',
      experiment_id: 'e',
      run_id: 'r',
      model_name: 'm',
      model_version: '7',
    };
    const stages = [stage('evaluate', { rows: 9 }), stage('train', { rows: 105 })];
    expect(lineOf(recordOf({ version: 3, seq: 2, stages, mlflow }))).toEqual({
      version: 3,
      seq: 2,
      created_at: '2026-01-01T00:00:00.000Z',
      rows: 105,
      metrics: { accuracy: 0.9 },
      model_version: '7',
      run_id: 'r',
      ledger_revision: 1,
      params: { data: {}, model: {} },
      outcome: null,
      compared: null,
    });
    expect(lineOf(recordOf())).toMatchObject({ rows: 0, model_version: null, run_id: null });
  });

  it.each([
    ['promote', 'promote'],
    ['hold', 'hold'],
    ['another word', null],
  ])('says of a gate that said %s: %s', (outcome, said) => {
    expect(lineOf(recordOf({ stages: [stage('gate', { outcome })] })).outcome).toBe(said);
  });

  it('has the difference from the build before on the same rows', () => {
    const facts = { rows: 30, accuracy: 0.75, own_accuracy: 1, accuracy_change: 'better' };
    const line = lineOf(recordOf({ comparisons: [compared(facts)] }));
    expect(line.compared).toEqual({
      version: 1,
      seq: 2,
      rows: 30,
      score: 'accuracy',
      by: 0.25,
      verdict: 'better',
    });
  });

  it.each<[string, Partial<VersionRecord>]>([
    ['only with the champion', { comparisons: [compared({ rows: 30, accuracy: 1 }, 'champion')] }],
    ['on rows that are not counted', { comparisons: [compared({ accuracy: 1 })] }],
    ['with a build that has no such score', { comparisons: [compared({ rows: 30, f1: 1 })] }],
    ['without scores', { metrics: {}, comparisons: [compared({ rows: 30, accuracy: 1 })] }],
  ])('has no difference where the build was compared %s', (_, parts) => {
    expect(lineOf(recordOf(parts)).compared).toBeNull();
  });
});

describe('a line is that of a record', () => {
  const record = recordOf({
    stages: [stage('gate', { outcome: 'promote' })],
    comparisons: [compared({ rows: 30, accuracy: 0.5 })],
  });
  const line = lineOf(record);

  it('wherever it is logged now', () => {
    expect(isLineOf({ ...line, run_id: 'another', model_version: '9' }, record)).toBe(true);
  });

  it.each(['ledger_revision', 'params', 'outcome', 'compared'] as const)(
    'where an earlier program left out its %s',
    (name) => expect(isLineOf({ ...line, [name]: null }, record)).toBe(true),
  );

  it.each(
    Object.entries<Partial<VersionLine>>({
      version: { version: 9 },
      seq: { seq: 9 },
      created_at: { created_at: '2026-01-02T00:00:00.000Z' },
      rows: { rows: 9 },
      metrics: { metrics: { accuracy: 0.8 } },
      ledger_revision: { ledger_revision: 9 },
      params: { params: { data: {}, model: { max_depth: 9 } } },
      outcome: { outcome: 'hold' },
      compared: { compared: { ...line.compared!, by: 0.1 } },
    }),
  )('only if its %s is the same', (_, other) => {
    expect(isLineOf({ ...line, ...other }, record)).toBe(false);
  });
});

describe('the index of a pipeline', () => {
  const params = (depth: number) => ({ data: {}, model: { max_depth: depth } });
  const records = [1, 2, 3].map((version) =>
    recordOf({ version, params: params(version === 3 ? 5 : 7) }),
  ) as [VersionRecord, VersionRecord, VersionRecord];
  const logged = { run_id: 'r', model_version: '7' };
  const none = async (): Promise<VersionLine[]> => [];
  const unasked = (): never => {
    throw new Error('the index is there');
  };

  /** An index with these versions, and a list of the keys that were put. */
  async function holding(...entered: VersionRecord[]) {
    const { bucket, listPuts } = noteRequests();
    const index = new VersionIndex(bucket);
    for (const [i, record] of entered.entries())
      await index.enter(record, i === 0 ? none : unasked);
    return { bucket, index, listPuts };
  }

  it('has a line for each version with its params, by version, in every order in which they come', async () => {
    const [first, second, third] = records;
    for (const order of [records, [third, first, second], [second, third, first]]) {
      const { bucket, index } = await holding(...order);
      expect(await index.read('p')).toEqual(records.map(lineOf));
      const { bytes } = (await bucket.get(makeIndexKey('p')))!;
      const stored = JSON.parse(Buffer.from(bytes).toString()) as { params: object };
      expect(Object.keys(stored.params)).toHaveLength(2);
    }
    expect(await new VersionIndex(new MemoryBucket()).read('p')).toBeUndefined();
  });

  it('is not written again where a build is entered again', async () => {
    const { index, listPuts } = await holding(...records, ...records);
    expect(await index.read('p')).toEqual(records.map(lineOf));
    expect(listPuts()).toHaveLength(3);
  });

  it('has the later build of a version in place of the earlier one', async () => {
    const later = { ...records[1], seq: 2, metrics: { accuracy: 1 } };
    const { index } = await holding(...records, later);
    expect(await index.read('p')).toEqual([records[0], later, records[2]].map(lineOf));
  });

  it('keeps where a build is logged, also where its line is repaired, and for that build alone', async () => {
    const { bucket, index } = await holding(records[0]);
    await index.noteLogged(records[0], logged, unasked);
    await index.enter(records[1], unasked);
    const own = { ...lineOf(records[0]), ...logged };
    expect(await index.read('p')).toEqual([own, lineOf(records[1])]);
    await editDocument<{ versions: { rows: number }[] }>(bucket, makeIndexKey('p'), (document) => {
      document.versions[0]!.rows = 99;
    });
    await index.enter(records[0], unasked);
    expect(await index.read('p')).toEqual([own, lineOf(records[1])]);
    await index.enter({ ...records[0], seq: 2 }, unasked);
    expect((await index.read('p'))![0]).toMatchObject({ seq: 2, run_id: null });
  });

  it('is made from the records if it is lost, before a line is entered or changed', async () => {
    const others = async (): Promise<VersionLine[]> => [records[0], records[2]].map(lineOf);
    const entered = new VersionIndex(new MemoryBucket());
    await entered.enter(records[1], others);
    expect(await entered.read('p')).toEqual(records.map(lineOf));
    const noted = new VersionIndex(new MemoryBucket());
    await noted.noteLogged(records[2], logged, others);
    expect(await noted.read('p')).toEqual([
      lineOf(records[0]),
      { ...lineOf(records[2]), ...logged },
    ]);
  });

  it('keeps lines of an earlier program, which have no params', async () => {
    const { bucket, index } = await holding(records[0]);
    await editDocument<{ versions: object[] }>(bucket, makeIndexKey('p'), ({ versions }) => {
      Object.assign(versions[0]!, { params: null });
    });
    const old = { ...lineOf(records[0]), params: null };
    expect(await index.read('p')).toEqual([old]);
    await index.enter(records[1], unasked);
    await index.noteLogged(records[1], logged, unasked);
    expect(await index.read('p')).toEqual([old, { ...lineOf(records[1]), ...logged }]);
  });
});
