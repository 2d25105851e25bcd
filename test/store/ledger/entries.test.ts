import { beforeEach, describe, expect, it } from 'vitest';
import { Conflict, DamagedArtifact, MissingHistory } from '../../../contract/failures.ts';
import { refOf } from '../../../store/hash.ts';
import { makeEmptyLedger } from '../../../store/ledger/changes.ts';
import { type Ledger, Ledgers, type NewBatch, type NewRaw } from '../../../store/ledger/ledger.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { OPENED, SETTINGS } from './ledger-settings.ts';

const refTo = (text: string) => refOf(text, Buffer.from(text));
const rawOf = (text: string, rows = 5): NewRaw => ({
  ref: refTo(text),
  columns: refTo('columns'),
  rows,
  fetched_at: '2026-01-02T02:00:00.000Z',
  etag: null,
});
const first = rawOf('first state');

/** Batch `number` of the first state, where nothing else is given. */
const batch = (number: number, more: Partial<NewBatch> = {}): NewBatch => ({
  batch: number,
  rows: SETTINGS.batch_size,
  ref: refTo(`batch ${number}`),
  raw: first.ref.sha256,
  from: (number - 1) * SETTINGS.batch_size,
  ...more,
});

let ledgers: Ledgers;
beforeEach(() => {
  ledgers = new Ledgers(new MemoryBucket());
});

const open = (settings = SETTINGS, raw = first) => ledgers.open('p', { ...OPENED, settings }, raw);
const append = (...batches: NewBatch[]) => ledgers.append('p', SETTINGS, batches);
const grow = (previousRevision: number, text: string, after: number, rows: number) =>
  ledgers.grow('p', {
    previousRevision,
    raw: {
      ...rawOf(text, rows),
      after,
      whole: { size: 1, sha256: refTo(`all ${text}`).sha256, rows },
    },
  });

describe('a ledger', () => {
  it('that nobody has opened is undefined', async () => {
    expect(await ledgers.read('p')).toBeUndefined();
  });

  it('is opened once, and again without a new revision', async () => {
    const opened = await open();
    expect(opened).toEqual({
      ...makeEmptyLedger('p', OPENED, 1),
      raw: [{ revision: 1, ...first, after: 0, whole: null }],
    });
    expect(await open()).toEqual(opened);
    expect(await open(SETTINGS, { ...first, fetched_at: 'later', etag: '"x"' })).toEqual(opened);
    expect(await ledgers.read('p')).toEqual(opened);
  });

  it('without batches takes other settings and other data, each as a new revision', async () => {
    await open();
    const other = { ...SETTINGS, target: 'other' };
    expect(await open(other)).toMatchObject({ revision: 2, settings: other });
    const second = rawOf('second state');
    expect(await open(other, second)).toMatchObject({
      revision: 3,
      raw: [{ revision: 3, ref: second.ref }],
    });
    expect(await open(other, { ...second, rows: 6 })).toMatchObject({ revision: 4 });
    expect(await open(other, { ...second, columns: refTo('x') })).toMatchObject({ revision: 5 });
  });

  it('with batches keeps its settings and its data when it is opened again', async () => {
    await open();
    const cut = await append(batch(1));
    expect(await open({ ...SETTINGS, target: 'other' }, rawOf('second state'))).toEqual(cut);
  });

  it('takes batches in order, one revision each, and each once', async () => {
    await open();
    const ledger = await append(batch(1), batch(2));
    expect(ledger.batches).toEqual([
      { ...batch(1), revision: 2, replaced: [] },
      { ...batch(2), revision: 3, replaced: [] },
    ]);
    expect(ledger.revision).toBe(3);
    expect(await append(batch(1), batch(2))).toEqual(ledger);
  });
});

describe('batches are refused', () => {
  it('when the ledger is gone', async () => {
    const lost = /ledger of p is missing from the bucket \(ledgers\/p\.json\)/;
    await expect(append(batch(1))).rejects.toThrow(lost);
    await expect(append(batch(1))).rejects.toThrow(DamagedArtifact);
    await expect(grow(1, 'second state', 0, 5)).rejects.toThrow(lost);
  });

  it('when they were cut under other settings', async () => {
    await open();
    const cut = ledgers.append('p', { ...SETTINGS, batch_size: 3 }, [batch(1)]);
    await expect(cut).rejects.toThrow(Conflict);
    await expect(cut).rejects.toThrow(/opened p with other settings/);
  });

  it('when one of them comes from data that the ledger does not know', async () => {
    const opened = await open();
    const cut = append(batch(1), batch(2, { raw: refTo('elsewhere').sha256 }));
    await expect(cut).rejects.toThrow(Conflict);
    await expect(cut).rejects.toThrow(/opened p with another state of its source/);
    expect(await ledgers.read('p')).toEqual(opened);
  });

  it('when a number is skipped', async () => {
    await open();
    await expect(append(batch(2))).rejects.toThrow(/batch 2 of p cannot follow batch 0/);
    await expect(append(batch(2))).rejects.toThrow(DamagedArtifact);
  });

  it('when a number has other bytes, which the failure names', async () => {
    await open();
    await append(batch(1), batch(2));
    const other = batch(2, { ref: refTo('other rows') });
    const failure = await append(other).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DamagedArtifact);
    expect(failure).toMatchObject({ details: { ref: other.ref } });
  });

  it('when their batch was amended meanwhile, which a new run repairs', async () => {
    await open();
    await append(batch(1));
    await amend(1, 'amended');
    await expect(append(batch(1))).rejects.toThrow(Conflict);
    await expect(append(batch(1))).rejects.toThrow(/batch 1 of p was amended while/);
    const other = append(batch(1, { ref: refTo('other rows') }));
    await expect(other).rejects.toThrow(DamagedArtifact);
  });
});

const amend = (number: number, text: string): Promise<Ledger> =>
  ledgers.amend('p', {
    batch: number,
    ref: refTo(text),
    rows: 1,
    raw: refTo(`raw ${text}`),
    columns: refTo('columns'),
    at: '2026-01-03T02:00:00.000Z',
  });

describe('an amendment', () => {
  it('needs data, and a batch', async () => {
    await expect(amend(1, 'x')).rejects.toThrow(/p has no data yet, so no batch to amend/);
    await expect(amend(1, 'x')).rejects.toThrow(MissingHistory);
    await open();
    await expect(amend(1, 'x')).rejects.toThrow(/nothing to amend: it has none yet/);
  });

  it('replaces the batch, and says until which revision the old one was valid', async () => {
    await open();
    await append(batch(1), batch(2));
    const { revision: _, batch: __, ...was } = { ...batch(1), revision: 0 };
    const ledger = await amend(1, 'x');
    expect(ledger.revision).toBe(4);
    expect(ledger.batches[0]).toEqual({
      batch: 1,
      revision: 4,
      rows: 1,
      ref: refTo('x'),
      raw: refTo('raw x').sha256,
      from: null,
      replaced: [{ ...was, revision: 2, until: 4 }],
    });
    expect(ledger.amended).toEqual([
      {
        revision: 4,
        batch: 1,
        ref: refTo('raw x'),
        columns: refTo('columns'),
        rows: 1,
        fetched_at: '2026-01-03T02:00:00.000Z',
      },
    ]);
    const again = await amend(1, 'y');
    expect(again.batches[0]!.replaced.map(({ revision, until }) => [revision, until])).toEqual([
      [4, 5],
      [2, 4],
    ]);
  });

  it('is data that batches may come from', async () => {
    await open();
    await append(batch(1));
    await amend(1, 'x');
    const known = await append(batch(2, { raw: refTo('raw x').sha256 }));
    expect(known.batches).toHaveLength(2);
  });
});

describe('a later state of a table', () => {
  it('is entered once, as a new revision after the last', async () => {
    await open();
    await append(batch(1));
    const grown = await grow(1, 'second state', 1, 7);
    expect(grown).toMatchObject({ revision: 3 });
    expect(grown!.raw.map(({ revision, after, ref }) => [revision, after, ref.path])).toEqual([
      [1, 0, 'first state'],
      [3, 1, 'second state'],
    ]);
    expect(await grow(1, 'second state', 1, 7)).toEqual(grown);
    expect(await ledgers.read('p')).toEqual(grown);
  });

  it('is not entered after another state, or once batches have been cut', async () => {
    await open();
    await append(batch(1));
    expect(await grow(1, 'second state', 0, 5)).toBeUndefined();
    expect(await grow(9, 'second state', 1, 5)).toBeUndefined();
    await grow(1, 'second state', 1, 7);
    expect(await grow(1, 'third state', 1, 9)).toBeUndefined();
    expect((await ledgers.read('p'))!.raw).toHaveLength(2);
  });

  it('with the same rows, but more batches before it or more text, is another state', async () => {
    await open();
    await append(batch(1));
    await grow(1, 'second state', 1, 7);
    await append(batch(2));
    expect(await grow(3, 'second state', 2, 7)).toMatchObject({ revision: 5 });
    const raw = { ...rawOf('second state', 7), after: 2 };
    const whole = { size: 2, sha256: refTo('longer').sha256, rows: 8 };
    expect(await ledgers.grow('p', { previousRevision: 5, raw: { ...raw, whole } })).toMatchObject({
      revision: 6,
    });
  });

  it('that is the whole table equals a last state that is', async () => {
    const opened = await open();
    const raw = { ...first, after: 0, whole: null };
    expect(await ledgers.grow('p', { previousRevision: 9, raw })).toEqual(opened);
    const longer = { ...raw, whole: { size: 2, sha256: 'x', rows: 8 } };
    expect(await ledgers.grow('p', { previousRevision: 1, raw: longer })).toMatchObject({
      revision: 2,
    });
    expect(await ledgers.grow('p', { previousRevision: 2, raw })).toMatchObject({ revision: 3 });
  });

  it('makes a short batch of the state before it wait for the new rows', async () => {
    await open();
    await append(batch(1), batch(2));
    await grow(1, 'second state', 2, 3);
    const short = append(batch(3, { rows: 1 }));
    await expect(short).rejects.toThrow(Conflict);
    await expect(short).rejects.toMatchObject({ details: { grown: true } });
    // A full batch is not changed by rows that follow it.
    expect((await append(batch(3))).batches).toHaveLength(3);
  });

  it('holds its own short batch', async () => {
    await open();
    await append(batch(1), batch(2));
    await grow(1, 'second state', 2, 1);
    const own = batch(3, { rows: 1, raw: refTo('second state').sha256, from: 0 });
    expect((await append(own)).batches).toHaveLength(3);
  });
});

it('a short file that arrived is a batch, though others arrived after it', async () => {
  const settings = { ...SETTINGS, source: { kind: 'prefix', name: 'in/' } as const };
  const arrived = ['a', 'b'].map((name) => ({ name, stamp: null, raw: rawOf(name, 1) }));
  await ledgers.arrive('p', { settings, location: 'in/', arrived, quarantined: [], at: '' });
  const files = ['a', 'b'].map((name, i) =>
    batch(i + 1, { rows: 1, raw: refTo(name).sha256, from: null }),
  );
  expect((await ledgers.append('p', settings, files)).batches).toHaveLength(2);
});
