import { describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../../store/bucket.ts';
import { hashOf, refOf } from '../../../store/hash.ts';
import { batchesAt, Ledgers, type Ledger, type NewBatch } from '../../../store/ledger/ledger.ts';
import { everyOrder, failuresOf, type Client } from '../../support/interleavings.ts';
import { OPENED, SETTINGS } from './ledger-settings.ts';

vi.mock('node:timers/promises', async () => {
  const { sleepMock } = await import('../../support/interleavings.ts');
  return sleepMock;
});

const raw = refOf('raw.csv', Buffer.from('raw'));
const entry = { ref: raw, columns: raw, rows: 8, fetched_at: '', etag: null };

const batch = (number: number, text = `batch ${number}`): NewBatch => ({
  batch: number,
  rows: 2,
  ref: refOf(`b${number}`, Buffer.from(text)),
  raw: raw.sha256,
  from: 0,
});
const UP_TO = (last: number): NewBatch[] => Array.from({ length: last }, (_, i) => batch(i + 1));

const open: Client = (bucket) => new Ledgers(bucket).open('p', OPENED, entry);
const append =
  (batches: NewBatch[], settings = SETTINGS): Client =>
  (bucket) =>
    new Ledgers(bucket).append('p', settings, batches);

const read = async (bucket: Bucket): Promise<Ledger> => (await new Ledgers(bucket).read('p'))!;

/** Batches are numbered from 1 without a gap, and each revision is one change. */
function expectInOrder({ batches, revision }: Ledger): void {
  expect(batches.map(({ batch: number }) => number)).toEqual(batches.map((_, i) => i + 1));
  const revisions = batches.map((one) => one.revision);
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
  expect(revision).toBeGreaterThanOrEqual(revisions.at(-1) ?? 1);
}

describe('in every order of their requests', () => {
  const before = async (bucket: Bucket): Promise<void> => void (await open(bucket));

  it('three clients enter the batches they cut, each batch once', async () => {
    await everyOrder({
      before,
      clients: () => [append(UP_TO(2)), append(UP_TO(4)), append(UP_TO(3))],
      after: async (bucket, ended) => {
        expect(ended.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
        const ledger = await read(bucket);
        expectInOrder(ledger);
        expect(batchesAt(ledger, 9)).toEqual(UP_TO(4));
      },
    });
  });

  it('a number never means two things, whichever client crashes', async () => {
    await everyOrder({
      before,
      clients: () => [append(UP_TO(2)), append([batch(1), batch(2, 'other rows')])],
      crashes: 1,
      after: async (bucket, ended) => {
        const ledger = await read(bucket);
        expectInOrder(ledger);
        const hasCrashed = ended.some(({ status }) => status === 'crashed');
        expect(hasCrashed ? [[], ['DamagedArtifact']] : [['DamagedArtifact']]).toContainEqual(
          failuresOf(ended),
        );
        expect(ledger.batches.slice(0, 1).map(({ ref }) => ref.md5)).toEqual(
          ledger.batches.length === 0 ? [] : [batch(1).ref.md5],
        );
      },
    });
  });

  it('batches cut under other settings never come beside each other', async () => {
    const other = { ...SETTINGS, batch_size: 3 };
    const openOther: Client = (bucket) =>
      new Ledgers(bucket).open('p', { ...OPENED, settings: other }, entry);
    const both =
      (opening: Client, settings: typeof SETTINGS): Client =>
      async (bucket) => {
        await opening(bucket);
        return append(UP_TO(1), settings)(bucket);
      };
    await everyOrder({
      clients: () => [both(open, SETTINGS), both(openOther, other)],
      crashes: 1,
      after: async (bucket, ended) => {
        expect(failuresOf(ended).filter((name) => name !== 'Conflict')).toEqual([]);
        const ledger = await new Ledgers(bucket).read('p');
        const cutUnder = [SETTINGS, other].filter((_, i) => ended[i]!.status === 'done');
        expect(
          cutUnder.filter((settings) => hashOf(settings) !== hashOf(ledger?.settings)),
        ).toEqual([]);
      },
      switches: 3,
    });
  });

  it('a later state of a table is entered against the state it was found after, or not at all', async () => {
    const later = refOf('later.csv', Buffer.from('later'));
    const grow: Client = async (bucket) => {
      const found = await read(bucket);
      return new Ledgers(bucket).grow('p', {
        previousRevision: found.raw.at(-1)!.revision,
        raw: {
          ...entry,
          ref: later,
          after: found.batches.length,
          whole: { size: 5, sha256: later.sha256, rows: 10 },
        },
      });
    };
    await everyOrder({
      before,
      clients: () => [grow, append(UP_TO(1))],
      after: async (bucket, ended) => {
        const ledger = await read(bucket);
        expectInOrder(ledger);
        const last = ledger.raw.at(-1)!;
        const [grown] = ended;
        const isEntered = grown?.status === 'done' && grown.value !== undefined;
        expect(ledger.raw.map(({ ref }) => ref.path)).toEqual(
          isEntered ? ['raw.csv', 'later.csv'] : ['raw.csv'],
        );
        expect(last.after).toBeLessThanOrEqual(ledger.batches.length);
      },
    });
  });
});
