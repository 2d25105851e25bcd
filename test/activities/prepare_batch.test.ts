import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refOf } from '../../store/hash.ts';
import { SmallTable } from './small-table.ts';

let table: SmallTable;
beforeEach(async () => {
  table = new SmallTable();
  await table.getData();
});
afterEach(() => table.close());

describe('prepare_batch', () => {
  it('cuts the batch and all before it, and enters them with their rows', async () => {
    const { outputs, facts, cached, ledgerRevision } = await table.prepareBatch(3);
    expect({ facts, cached, ledgerRevision }).toEqual({
      facts: { rows: 1 },
      cached: false,
      ledgerRevision: 4,
    });
    expect(outputs.batch.path).toBe('data/batches/batch_000003.csv');
    const { batches, raw } = await table.ledger();
    expect(batches.map(({ rows, from, raw: of }) => [rows, from, of])).toEqual([
      [2, 0, raw[0]!.ref.sha256],
      [2, 2, raw[0]!.ref.sha256],
      [1, 4, raw[0]!.ref.sha256],
    ]);
    expect(await Promise.all(batches.map(({ ref }) => table.textOf(ref)))).toEqual([
      'n,label\n1,a\n2,b\n',
      'n,label\n3,a\n4,b\n',
      'n,label\n5,a\n',
    ]);
  });

  it('finds its result where it has run before, and leaves the ledger as it is', async () => {
    const first = await table.prepareBatch(2);
    const ledger = await table.ledger();
    const again = await table.prepareBatch(2);
    expect(again).toMatchObject({
      cached: true,
      key: first.key,
      outputs: first.outputs,
      ledgerRevision: first.ledgerRevision,
    });
    expect(await table.ledger()).toEqual(ledger);
  });

  it('enters what an attempt had cut that could not write the ledger', async () => {
    table.around = ({ verb, key }, act) => {
      if (verb === 'put' && key.startsWith('ledgers/')) throw new Error('the worker was killed');
      return act();
    };
    await expect(table.prepareBatch(2)).rejects.toThrow('the worker was killed');
    expect((await table.ledger()).batches).toEqual([]);
    table.around = (_, act) => act();
    expect(await table.prepareBatch(2)).toMatchObject({ cached: true, ledgerRevision: 3 });
    expect((await table.ledger()).batches).toHaveLength(2);
  });

  it('cuts an earlier batch again that is damaged, with the same bytes', async () => {
    await table.prepareBatch(2);
    const { ref } = (await table.ledger()).batches[0]!;
    await table.lose(ref);
    await table.prepareBatch(2);
    await expect(table.textOf(ref)).rejects.toMatchObject({ name: 'DamagedArtifact' });
    const { healed } = await table.prepareBatch(2, { damaged: [ref.md5] });
    expect(healed).toEqual([{ path: 'data/batches/batch_000001.csv', md5: ref.md5 }]);
    expect(await table.textOf(ref)).toBe('n,label\n1,a\n2,b\n');
  });

  it('cuts every batch again when it is forced, and changes nothing', async () => {
    await table.prepareBatch(2);
    const ledger = await table.ledger();
    expect(await table.prepareBatch(2, { cache: 'bypass' })).toMatchObject({ cached: false });
    expect(await table.ledger()).toEqual(ledger);
  });

  it('cuts a batch that is longer once its table has grown', async () => {
    await table.prepareBatch(2);
    table.write('n,label\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n');
    await table.getData({ batch: 2, refresh: true });
    expect((await table.prepareBatch(3)).facts).toEqual({ rows: 2 });
    expect((await table.ledger()).batches[2]).toMatchObject({ from: 0, rows: 2 });
  });
});

describe('prepare_batch fails without a retry', () => {
  it('for a batch past the end, with the rows that there are', async () => {
    await expect(table.prepareBatch(4)).rejects.toMatchObject({
      name: 'MissingHistory',
      message: expect.stringContaining('batch 4 does not exist: the source has 5 rows'),
      details: { batch: 4, rows: 5, batches: 3 },
    });
    expect((await table.ledger()).batches).toEqual([]);
    await table.prepareBatch(1);
    table.write('n,label\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n');
    await table.getData({ refresh: true });
    await expect(table.prepareBatch(5)).rejects.toMatchObject({
      name: 'MissingHistory',
      details: { batch: 5, rows: 7, batches: 4 },
    });
  });

  it('before there is data, with the command that fetches it', async () => {
    const empty = new SmallTable();
    const raw = refOf('x', Buffer.from('x'));
    await expect(empty.prepareBatch(1, { inputs: { raw, columns: raw } })).rejects.toMatchObject({
      name: 'MissingHistory',
      message: 'p has no data yet: run "npx retrain stage get_data --pipeline p" first',
    });
    empty.close();
  });

  it('where another run has opened the pipeline with other data, or other types', async () => {
    const { ref: raw, columns } = (await table.ledger()).raw[0]!;
    const other = refOf('x', Buffer.from('x'));
    await expect(table.prepareBatch(1, { inputs: { raw: other, columns } })).rejects.toMatchObject({
      name: 'Conflict',
      message: expect.stringContaining('another state of its source'),
    });
    await expect(table.prepareBatch(1, { inputs: { raw, columns: other } })).rejects.toMatchObject({
      name: 'Conflict',
      message: expect.stringContaining('other types of its columns'),
    });
  });

  it('under settings that are frozen at others', async () => {
    await table.prepareBatch(1);
    const params = table.params({ data: { shuffle_seed: 1 } });
    await expect(table.prepareBatch(2, { params })).rejects.toMatchObject({ name: 'BadParams' });
  });

  it.each(['other rows', '1,a\n9,b\n'])(
    'where the ledger has the batch with other bytes',
    async (rows) => {
      const { settings, raw } = await table.ledger();
      // The second one has the length of the batch that is cut.
      const other = refOf('data/batches/batch_000001.csv', Buffer.from(`n,label\n${rows}`));
      const entry = { batch: 1, rows: 2, ref: other, raw: raw[0]!.ref.sha256, from: 0 };
      await table.store.ledgers.append('p', settings, [entry]);
      await expect(table.prepareBatch(1)).rejects.toMatchObject({
        name: 'DamagedArtifact',
        details: { ref: { md5: other.md5 } },
      });
    },
  );
});
