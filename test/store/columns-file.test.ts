import { describe, expect, it } from 'vitest';
import { columnsRef, encodeColumns, partColumns, readColumns } from '../../store/columns-file.ts';
import { refOf } from '../../store/hash.ts';
import { storeIn } from '../../store/index.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';
import { SETTINGS } from './ledger/ledger-settings.ts';

const t: Column = { name: 't', type: 'category' };
const open: Column = { name: 'o', type: 'ignore', open: true };
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const store = storeIn(new MemoryBucket());

describe('the columns artifact', () => {
  // Ledgers name these bytes by their hash, so they must stay as they are.
  it.each<[string, Column[], string]>([
    ['', [t], '{"schema":1,"columns":[{"name":"t","type":"category"}]}'],
    [
      'with a column of a later batch',
      [t, { type: 'number', since: 3, name: 'n' }],
      '{"schema":1,"columns":[{"name":"t","type":"category"},{"name":"n","type":"number","since":3}]}',
    ],
    [
      'with dates',
      [t, { name: 'd', type: 'date' }],
      '{"schema":2,"columns":[{"name":"t","type":"category"},{"name":"d","type":"date"}]}',
    ],
    [
      'with an open column',
      [open, t],
      '{"schema":2,"columns":[{"name":"o","type":"ignore","open":true},{"name":"t","type":"category"}]}',
    ],
  ])('%s has the bytes that ledgers name, and is read back', async (_, columns, text) => {
    const bytes = encodeColumns(columns);
    expect(textOf(bytes)).toBe(text);
    const ref = await store.artifacts.put('data/raw/columns.json', bytes);
    expect(await readColumns({ store }, ref)).toEqual(columns);
  });

  it.each([
    ['of another schema', '{"schema":3,"columns":[]}'],
    ['of a column without a name', '{"schema":1,"columns":[{"type":"number"}]}'],
    ['that is no JSON', '{'],
  ])('%s is refused', async (_, text) => {
    const ref = await store.artifacts.put('data/raw/columns.json', Buffer.from(text));
    await expect(readColumns({ store }, ref)).rejects.toThrow(
      expect.objectContaining({ name: 'DamagedArtifact' }),
    );
  });
});

describe('the columns that a batch is cut with', () => {
  const own = refOf('data/raw/columns.json', Buffer.from('as the source was stored'));
  const raw = { revision: 1, ref: own, columns: own, rows: 9, fetched_at: '' };
  const ledger = {
    settings: SETTINGS,
    added_columns: [{ name: 'n', type: 'number', since: 3 }],
    batches: [],
    arrivals: [],
    amended: [],
    raw: [{ ...raw, after: 0, whole: null }],
  } as unknown as Ledger;

  it('are those of its raw data, until a batch adds a column', () => {
    expect(columnsRef(ledger, 2)).toEqual(own);
    const added: Column[] = [t, { name: 'n', type: 'number', since: 3 }];
    const expected = refOf('data/raw/columns.json', encodeColumns(added));
    expect(columnsRef(ledger, 3)).toEqual(expected);
    expect(columnsRef(ledger, 4)).toEqual(expected);
  });
});

describe('the columns that the part of a batch is encoded with', () => {
  const ref = refOf('data/raw/columns.json', Buffer.from('of the version'));
  const columns: Column[] = [
    t,
    { ...open, type: 'number', since: 2 },
    { name: 'n', type: 'number', since: 3 },
  ];

  it("are the version's own where it has no column of a later batch", () => {
    expect(partColumns(ref, columns, 3)).toEqual({ ref });
    expect(partColumns(ref, [t], 1)).toEqual({ ref });
  });

  it('leave out those of later batches, and what they decided is open', () => {
    for (const [batch, known] of [
      [1, [t, open]],
      [2, [t, columns[1]!]],
    ] as const) {
      const part = partColumns(ref, columns, batch);
      expect(textOf(part.bytes!)).toBe(textOf(encodeColumns(known)));
      expect(part.ref).toEqual(refOf(ref.path, part.bytes!));
    }
  });
});
