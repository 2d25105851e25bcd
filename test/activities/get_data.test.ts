import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readColumns } from '../../store/columns-file.ts';
import { SmallTable } from './small-table.ts';

let table: SmallTable;
beforeEach(() => {
  table = new SmallTable();
});
afterEach(() => table.close());

describe('the first get_data of a pipeline', () => {
  it('stores the source as it is, with the types of its columns, and opens the ledger', async () => {
    const { outputs, facts, cached, warnings } = await table.getData();
    expect({ facts, cached, warnings }).toEqual({
      facts: { rows: 5, columns: 2 },
      cached: false,
      warnings: [],
    });
    expect(outputs.raw.path).toBe('data/raw/table.csv');
    expect(await table.textOf(outputs.raw)).toBe('n,label\n1,a\n2,b\n3,a\n4,b\n5,a\n');
    expect(await readColumns({ store: table.store }, outputs.columns)).toEqual([
      { name: 'n', type: 'number' },
      { name: 'label', type: 'category' },
    ]);
    expect(await table.ledger()).toMatchObject({
      revision: 1,
      batches: [],
      settings: { target: 'label', batch_size: 2, shuffle_seed: null },
      raw: [{ ref: outputs.raw, columns: outputs.columns, rows: 5, after: 0, whole: null }],
    });
  });

  it('finds its result where it has run before, and leaves the ledger as it is', async () => {
    const first = await table.getData();
    const ledger = await table.ledger();
    const again = await table.getData();
    expect(again).toMatchObject({ cached: true, key: first.key, outputs: first.outputs });
    expect(await table.ledger()).toEqual(ledger);
  });

  it('finishes what an attempt began that could not write the ledger', async () => {
    table.around = ({ verb, key }, act) => {
      if (verb === 'put' && key.startsWith('ledgers/')) throw new Error('the worker was killed');
      return act();
    };
    await expect(table.getData()).rejects.toThrow('the worker was killed');
    expect(await table.store.ledgers.read('p')).toBeUndefined();
    table.around = (_, act) => act();
    const { outputs } = await table.getData();
    expect((await table.ledger()).raw).toMatchObject([{ ref: outputs.raw, rows: 5 }]);
  });

  it('takes another source, or other settings, until a batch is cut', async () => {
    await table.getData();
    table.write('n,label\n7,a\n8,b\n');
    const { outputs } = await table.getData({ params: table.params({ data: { batch_size: 1 } }) });
    expect(await table.ledger()).toMatchObject({
      revision: 2,
      settings: { batch_size: 1 },
      raw: [{ ref: outputs.raw, rows: 2 }],
    });
  });

  it('fails without a retry where the source is missing, or a row does not fit', async () => {
    table.write('n,label\n1,a\n2\n');
    await expect(table.getData()).rejects.toMatchObject({
      retryable: false,
      message: expect.stringMatching(/table\.csv.*line 3/),
    });
    table.removeSource();
    await expect(table.getData()).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('table.csv'),
    });
    expect(await table.store.ledgers.read('p')).toBeUndefined();
  });
});

describe('get_data of a pipeline whose batches are cut', () => {
  beforeEach(async () => {
    await table.getData();
    await table.prepareBatch(1);
  });

  it('does not need the source', async () => {
    const ledger = await table.ledger();
    table.removeSource();
    expect(await table.getData({ batch: 2 })).toMatchObject({
      cached: true,
      outputs: { raw: ledger.raw[0]!.ref },
    });
    expect(await table.ledger()).toEqual(ledger);
  });

  it('refuses other settings than those that its batches were cut with', async () => {
    const asked = table.getData({ params: table.params({ data: { batch_size: 3 } }) });
    await expect(asked).rejects.toMatchObject({
      name: 'BadParams',
      message: expect.stringContaining('data.batch_size is frozen at 2'),
    });
  });

  it('enters new rows of the source when it is asked to look', async () => {
    table.write('n,label\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n');
    const { facts } = await table.getData({ batch: 2, refresh: true });
    expect(facts).toMatchObject({ rows: 7, new_rows: 2 });
    expect((await table.ledger()).raw.map(({ after, rows }) => [after, rows])).toEqual([
      [0, 5],
      [1, 5],
    ]);
    // A second look finds nothing more.
    expect((await table.getData({ batch: 2, refresh: true })).facts).toMatchObject({ rows: 7 });
    expect((await table.ledger()).raw).toHaveLength(2);
  });

  it('stores a damaged copy again from a source with the same bytes', async () => {
    const { ref } = (await table.ledger()).raw[0]!;
    await table.lose(ref);
    const { outputs } = await table.getData({ damaged: [ref.md5] });
    expect(outputs.raw).toEqual(ref);
    expect(await table.textOf(ref)).toContain('5,a');
  });

  it('refuses to repair a copy from a source with other bytes', async () => {
    const { ref } = (await table.ledger()).raw[0]!;
    table.write('n,label\n9,a\n');
    await table.lose(ref);
    await expect(table.getData({ damaged: [ref.md5] })).rejects.toMatchObject({
      name: 'BadData',
      message: expect.stringMatching(/the stored copy of .*table\.csv is damaged.*restore it/),
    });
  });
});
