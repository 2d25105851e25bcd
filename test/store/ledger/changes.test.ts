import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  amendBatch,
  type Amendment,
  enterLook,
  type Arrived,
  type Look,
} from '../../../store/ledger/changes.ts';
import {
  batchesAt,
  columnsAt,
  isWhole,
  rawOf,
  refsOf,
  staleVersions,
} from '../../../store/ledger/read.ts';
import type { Ledger, Settings } from '../../../store/ledger/schema.ts';
import { rawFiles } from '../../../sources/stage-inputs.ts';
import { refOf } from '../../../store/hash.ts';

const settings: Settings = {
  source: { kind: 'folder', name: 'incoming' },
  grows: true,
  delimiter: ',',
  encoding: 'utf-8',
  target: 'label',
  columns: [{ name: 'label', type: 'category' }],
  missing_values: [],
  decimal: '.',
  thousands: null,
  batch_size: 50,
  shuffle_seed: null,
  split_key: null,
  split_time: null,
};
const columns = refOf('data/raw/columns.json', Buffer.from('columns'));
const at = '2026-01-02T02:00:00.000Z';

const refTo = (text: string, path = text) => refOf(path, Buffer.from(text));

const arrived = (name: string, text = `rows of ${name}`): Arrived => ({
  name,
  stamp: null,
  raw: { ref: refTo(text, name), columns, rows: 1, fetched_at: at, etag: null },
});

const look = (names: string[], more: Partial<Look> = {}): Look => ({
  settings,
  location: 'in/',
  arrived: names.map((name) => arrived(name)),
  quarantined: [],
  at,
  ...more,
});

/** A ledger whose arrivals have all been cut. */
function cut(ledger: Ledger): Ledger {
  return ledger.arrivals.reduce((before, { raw, name }, i) => {
    const revision = before.revision + 1;
    const ref = refTo(`batch of ${name}`);
    const entry = { batch: i + 1, revision, rows: 1, ref, raw, from: null, replaced: [] };
    return { ...before, revision, batches: [...before.batches, entry] };
  }, ledger);
}

const amendment = (batch: number, text: string): Amendment => ({
  batch,
  ref: refTo(text),
  rows: 2,
  raw: refTo(`raw ${text}`),
  columns,
  at,
});

describe('arrivals', () => {
  it('keep the order they were first seen in, also when other names come later', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', '1', '_'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 6 }), (looks) => {
        let ledger: Ledger | undefined;
        let order: string[] = [];
        for (const seen of looks) {
          ledger = enterLook(ledger, 'p', look(seen));
          const now = ledger.arrivals.map(({ name }) => name);
          expect(now.slice(0, order.length)).toEqual(order);
          expect(now.toSorted()).toEqual([...new Set([...order, ...seen])].sort());
          order = now;
        }
      }),
    );
  });

  it('change nothing when there is nothing new, so that a nightly look writes nothing', () => {
    const unread = { stamp: null, size: 0, sha256: null, rules: null };
    const bad = { ...unread, name: 'x', reason: 'empty', seen_at: at };
    const ledger = enterLook(undefined, 'p', look(['a'], { quarantined: [bad] }));
    const again = look(['a'], { quarantined: [{ ...bad, seen_at: 'later' }], at: 'later' });
    expect(enterLook(ledger, 'p', again)).toBe(ledger);
  });

  it('leave quarantine when the file is good or gone', () => {
    const unread = { stamp: null, size: 0, sha256: null, rules: null };
    const bad = { ...unread, name: 'x', reason: 'empty', seen_at: at };
    const ledger = enterLook(undefined, 'p', look(['a'], { quarantined: [bad] }));
    expect(ledger.quarantined).toEqual([bad]);
    const repaired = enterLook(ledger, 'p', look(['x']));
    expect(repaired.quarantined).toEqual([]);
    expect(repaired.arrivals.map(({ name }) => name)).toEqual(['a', 'x']);
  });

  it('start over under other settings until a batch is cut, and are refused from then on', () => {
    const other = { ...settings, target: 'other' };
    const ledger = enterLook(undefined, 'p', look(['b']));
    const fresh = enterLook(ledger, 'p', look(['a'], { settings: other }));
    expect(fresh.arrivals.map(({ name }) => name)).toEqual(['a']);
    expect(fresh.revision).toBeGreaterThan(ledger.revision);
    expect(() => enterLook(cut(ledger), 'p', look(['a'], { settings: other }))).toThrow(
      /cut batches of p under other settings/,
    );
  });

  it('may add columns, which later versions know and earlier ones do not', () => {
    const z = { name: 'z', type: 'number' } as const;
    const bringing = (name: string): Arrived => ({ ...arrived(name), added: [z] });
    const before = enterLook(undefined, 'p', look(['a']));
    const ledger = enterLook(before, 'p', look([], { arrived: [arrived('b'), bringing('c')] }));
    expect(columnsAt(ledger, 2)).toEqual(settings.columns);
    expect(columnsAt(ledger, 3)).toEqual([...settings.columns, { ...z, since: 3 }]);
    const again = enterLook(ledger, 'p', look([], { arrived: [bringing('d')] }));
    expect(again.added_columns).toEqual(ledger.added_columns);
  });

  it('each are the whole raw data of their batch, cut or not', () => {
    const ledger = enterLook(undefined, 'p', look(['a', 'b']));
    expect(rawOf(ledger, 2).ref).toEqual(ledger.raw[1]!.ref);
    expect(rawOf(cut(ledger), 1).ref).toEqual(ledger.raw[0]!.ref);
    expect(isWhole(ledger, 2)).toBe(true);
  });
});

describe('amending', () => {
  const ledger = cut(enterLook(undefined, 'p', look(['a', 'b', 'c'])));

  it('leaves every revision before as it was', () => {
    const texts = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('x', 'y', 'z')),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(texts, (amendments) => {
        let now = ledger;
        const seen = [{ revision: now.revision, batches: batchesAt(now, 3) }];
        for (const [batch, text] of amendments) {
          now = amendBatch(now, amendment(batch, text));
          seen.push({ revision: now.revision, batches: batchesAt(now, 3) });
        }
        for (const { revision, batches } of seen)
          expect(batchesAt(now, 3, revision)).toEqual(batches);
      }),
    );
  });

  it('keeps what it replaced reachable, the file it came from too', () => {
    const twice = amendBatch(amendBatch(ledger, amendment(2, 'x')), amendment(2, 'y'));
    const paths = refsOf(twice).map(({ path }) => path);
    for (const path of ['batch of b', 'x', 'y', 'raw x', 'raw y', 'a', 'b', 'c'])
      expect(paths).toContain(path);
    expect(rawOf(twice, 2).ref.path).toBe('raw y');
    expect(isWhole(twice, 2)).toBe(true);
  });

  it('keeps the files of two batches apart that were amended with the same bytes', () => {
    const raw = (batch: number) => refOf(`raw/amended/batch_${batch}/x`, Buffer.from('x'));
    const amended = [2, 1].reduce(
      (now, batch) => amendBatch(now, { ...amendment(batch, `x ${batch}`), raw: raw(batch) }),
      ledger,
    );
    const paths = rawFiles(amended, 3).map(({ path }) => path);
    expect(paths).toEqual(['amended/batch_1/x', 'amended/batch_2/x', 'c']);
  });

  it('with the file that arrived leaves its name as it was', () => {
    const back = [refOf('raw/amended/batch_2/x', Buffer.from('x')), ledger.raw[1]!.ref].reduce(
      (now, raw) => amendBatch(now, { ...amendment(2, `from ${raw.path}`), raw }),
      ledger,
    );
    expect(rawFiles(back, 3).map(({ path }) => path)).toEqual(['a', 'b', 'c']);
  });

  it('makes stale the versions that rest on other rows now, and those alone', () => {
    const before = [1, 2, 3].map((version) => ({ version, ledger_revision: ledger.revision }));
    const amended = amendBatch(ledger, amendment(2, 'x'));
    expect(staleVersions(ledger, before)).toEqual([]);
    expect(staleVersions(amended, before)).toEqual([
      { version: 2, batches: [2] },
      { version: 3, batches: [2] },
    ]);
    const rebuilt = [before[0]!, before[1]!, { version: 3, ledger_revision: amended.revision }];
    expect(staleVersions(amended, rebuilt)).toEqual([{ version: 2, batches: [2] }]);
    const back = amendBatch(amended, amendment(2, 'batch of b'));
    expect(staleVersions(back, before)).toEqual([]);
  });

  it('with the same bytes changes nothing, and needs a batch to replace', () => {
    expect(amendBatch(ledger, amendment(1, 'batch of a'))).toBe(ledger);
    expect(() => amendBatch(ledger, amendment(4, 'x'))).toThrow(
      'batch 4 of p has not been cut, so there is nothing to amend: the last is 3',
    );
  });
});
