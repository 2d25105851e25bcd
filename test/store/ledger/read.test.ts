import { describe, expect, it } from 'vitest';
import { refOf } from '../../../store/hash.ts';
import { makeEmptyLedger } from '../../../store/ledger/changes.ts';
import {
  amendmentOf,
  batchesAt,
  batchesKnown,
  columnsAt,
  hasArrivals,
  hasState,
  isWhole,
  rawEntryOf,
  rawNamed,
  rawOf,
  rowsWaiting,
  shuffleSeedOf,
  staleVersions,
  wholeOf,
} from '../../../store/ledger/read.ts';
import type { Ledger, LedgerBatch, RawEntry, Settings } from '../../../store/ledger/schema.ts';
import { OPENED, SETTINGS } from './ledger-settings.ts';

const refTo = (text: string, path = text) => refOf(path, Buffer.from(text));

const state = (
  revision: number,
  after: number,
  rows: number,
  text = `state ${revision}`,
): RawEntry => ({
  revision,
  ref: refTo(text, `state ${revision}`),
  columns: refTo('columns'),
  rows,
  fetched_at: '',
  etag: null,
  after,
  whole: null,
});

const cut = (number: number, more: Partial<LedgerBatch> = {}): LedgerBatch => ({
  batch: number,
  revision: number,
  rows: 2,
  ref: refTo(`batch ${number}`),
  raw: refTo('state 1').sha256,
  from: 0,
  replaced: [],
  ...more,
});

const table = (more: Partial<Ledger>): Ledger => ({
  ...makeEmptyLedger('p', OPENED, 9),
  raw: [state(1, 0, 5)],
  ...more,
});

const folder: Settings = { ...SETTINGS, source: { kind: 'folder', name: 'in' } };
/** A folder in which files a, b and c have arrived, with the batches that are given. */
const files = (batches: LedgerBatch[], more: Partial<Ledger> = {}): Ledger =>
  table({
    settings: folder,
    raw: ['a', 'b', 'c'].map((name) => ({ ...state(1, 0, 1), ref: refTo(name) })),
    arrivals: ['a', 'b', 'c'].map((name) => {
      const raw = refTo(name).sha256;
      return { name, stamp: null, raw, revision: 1, seen_at: '' };
    }),
    batches,
    ...more,
  });

const amended = (batch: number, name: string): Ledger['amended'][number] => ({
  revision: 8,
  batch,
  ref: refTo(name, `amended/${batch}/${name}`),
  columns: refTo('columns'),
  rows: 1,
  fetched_at: '',
});

describe('a table', () => {
  it('makes as many batches as its rows fill, the last one short', () => {
    expect(batchesKnown(table({}))).toBe(3);
    expect(batchesKnown(table({ raw: [state(1, 0, 4)] }))).toBe(2);
    // Rows of the last state follow the batches that were cut before it.
    expect(batchesKnown(table({ raw: [state(1, 0, 5), state(2, 2, 3)] }))).toBe(4);
  });

  it('has rows waiting that fill no batch, until they are cut', () => {
    expect(rowsWaiting(table({}))).toBe(1);
    expect(rowsWaiting(table({ raw: [state(1, 0, 4)] }))).toBe(0);
    expect(rowsWaiting(table({ batches: [cut(1), cut(2)] }))).toBe(1);
    expect(rowsWaiting(table({ batches: [cut(1), cut(2), cut(3)] }))).toBe(0);
    expect(rowsWaiting(table({ raw: [state(1, 0, 8), state(2, 2, 3)], batches: [cut(1)] }))).toBe(
      1,
    );
    expect(rowsWaiting(files([]))).toBe(0);
  });

  it('has batches of the newest state that arrived before them', () => {
    const raw = [state(1, 0, 5), state(2, 2, 3), state(3, 2, 4)];
    const from = (batch: number): number => rawEntryOf({ raw }, batch).revision;
    expect([1, 2, 3, 4].map(from)).toEqual([1, 1, 3, 3]);
    expect(rawEntryOf({ raw }, 0).revision).toBe(1);
    expect(rawOf(table({ raw, batches: [cut(1), cut(2)] }), 2).revision).toBe(1);
    expect(rawOf(table({ raw, batches: [cut(1), cut(2)] }), 3).revision).toBe(3);
  });

  it('may have two states of the same bytes, which their order tells apart', () => {
    const raw = [state(1, 0, 2, 'same'), state(2, 1, 2, 'same')];
    const sha256 = refTo('same').sha256;
    const ledger = table({ raw, batches: [cut(1, { raw: sha256 }), cut(2, { raw: sha256 })] });
    expect([1, 2].map((batch) => rawOf(ledger, batch).revision)).toEqual([1, 2]);
  });

  it('is shuffled in its first state only', () => {
    expect(shuffleSeedOf({ shuffle_seed: 42 }, { after: 0 })).toBe(42);
    expect(shuffleSeedOf({ shuffle_seed: 42 }, { after: 1 })).toBeNull();
    expect(shuffleSeedOf({ shuffle_seed: null }, { after: 0 })).toBeNull();
  });

  it('is recognised in each of its states by the whole text', () => {
    const whole = { size: 7, sha256: refTo('whole').sha256, rows: 9 };
    const first = state(1, 0, 5);
    const later = { ...state(2, 2, 4), whole };
    expect(wholeOf(first)).toEqual({ size: first.ref.size, sha256: first.ref.sha256, rows: 5 });
    expect(wholeOf(later)).toEqual(whole);
    const ledger = table({ raw: [first, later] });
    expect(hasState(ledger, first.ref)).toBe(true);
    expect(hasState(ledger, whole)).toBe(true);
    expect(hasState(ledger, later.ref)).toBe(false);
  });
});

describe('a folder or a prefix', () => {
  it('is what each batch is one file of', () => {
    const of = (kind: Settings['source']['kind']): boolean =>
      hasArrivals({ settings: { ...SETTINGS, source: { kind, name: 'x' } } });
    expect(['folder', 'prefix'].map((kind) => of(kind as 'folder'))).toEqual([true, true]);
    expect(['iris', 'file', 'url', 's3', 'dvc'].map((kind) => of(kind as 'file'))).toEqual(
      Array<boolean>(5).fill(false),
    );
  });

  it('makes a batch of each file, cut or not', () => {
    expect(batchesKnown(files([]))).toBe(3);
    const raw = refTo('a').sha256;
    const ledger = files([cut(1, { raw, from: null })]);
    expect([1, 2, 3].map((batch) => rawOf(ledger, batch).ref.path)).toEqual(['a', 'b', 'c']);
    expect([1, 2].map((batch) => isWhole(ledger, batch))).toEqual([true, true]);
  });

  it('has the newest file for a batch that has not arrived', () => {
    expect(rawOf(files([]), 4).ref.path).toBe('c');
  });
});

describe('an amended batch', () => {
  const raw = refTo('x').sha256;

  it('has its rows from the file it was amended with, under its own path', () => {
    const batches = [cut(1, { raw, from: null }), cut(2, { raw, from: null }), cut(3)];
    const ledger = table({ batches, amended: [amended(2, 'x'), amended(1, 'y'), amended(1, 'x')] });
    expect([1, 2].map((batch) => rawOf(ledger, batch).ref.path)).toEqual([
      'amended/1/x',
      'amended/2/x',
    ]);
    expect(amendmentOf(ledger, 3)).toBeUndefined();
    expect(amendmentOf(ledger, 4)).toBeUndefined();
    expect([1, 3, 4].map((batch) => isWhole(ledger, batch))).toEqual([true, false, false]);
    expect(rawOf(ledger, 3).ref.path).toBe('state 1');
  });

  it('keeps the name of a file that arrived with the same bytes', () => {
    const same = cut(1, { raw: refTo('a').sha256, from: null });
    const ledger = files([same], { amended: [amended(1, 'a')] });
    expect(rawOf(ledger, 1).ref.path).toBe('a');
  });

  it('is known by the bytes of its file, as every state is', () => {
    const ledger = table({ amended: [amended(1, 'x')] });
    expect(rawNamed(ledger, raw)!.ref.path).toBe('amended/1/x');
    expect(rawNamed(ledger, refTo('state 1').sha256)!.revision).toBe(1);
    expect(rawNamed(ledger, 'none')).toBeUndefined();
  });

  it('was, at each revision, what was valid then', () => {
    const { batch: _, replaced: __, ...old } = cut(1, { ref: refTo('old') });
    const replaced = [
      { ...old, ref: refTo('older'), revision: 4, until: 6 },
      { ...old, revision: 2, until: 4 },
    ];
    const ledger = table({ batches: [cut(1, { revision: 6, replaced }), cut(2), cut(3)] });
    const at = (revision?: number): string => batchesAt(ledger, 1, revision)[0]!.ref.path;
    expect([2, 3, 4, 5, 6, 7].map(at)).toEqual([
      'old',
      'old',
      'older',
      'older',
      'batch 1',
      'batch 1',
    ]);
    expect(at()).toBe('batch 1');
    expect(batchesAt(ledger, 2).map(({ batch }) => batch)).toEqual([1, 2]);
    expect(batchesAt(ledger, 9)).toHaveLength(3);
  });

  it('makes a version stale that was built before, and no version without it', () => {
    const { batch: _, replaced: __, ...old } = cut(2, { ref: refTo('old') });
    const second = cut(2, { revision: 6, replaced: [{ ...old, revision: 2, until: 6 }] });
    const ledger = table({ batches: [cut(1), second, cut(3)] });
    const built = [1, 2, 3].map((version) => ({ version, ledger_revision: 5 }));
    expect(staleVersions(ledger, built)).toEqual([
      { version: 2, batches: [2] },
      { version: 3, batches: [2] },
    ]);
    expect(staleVersions(ledger, [{ version: 3, ledger_revision: 6 }])).toEqual([]);
  });
});

it('a version knows the frozen columns, and those that files up to it have added', () => {
  const added = { name: 'z', type: 'number', since: 3 } as const;
  const ledger = files([], { added_columns: [added] });
  expect(columnsAt(ledger, 2)).toEqual(SETTINGS.columns);
  expect(columnsAt(ledger, 3)).toEqual([...SETTINGS.columns, added]);
});
