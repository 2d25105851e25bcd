import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refOf } from '../../store/hash.ts';
import { SmallTable } from './small-table.ts';

let table: SmallTable;
beforeEach(async () => {
  table = new SmallTable();
  await table.getData();
  await table.prepareBatch(3);
});
afterEach(() => table.close());

const amend = async (batch: number, text: string): Promise<void> => {
  const { store } = table;
  const ref = await store.artifacts.put('data/batches/x.csv', Buffer.from(text));
  const { columns } = (await table.ledger()).raw[0]!;
  await store.ledgers.amend('p', { batch, ref, rows: 7, raw: ref, columns, at: '2026-01-01' });
};

describe('merge_data', () => {
  it('makes one directory of the batches, in their order, and counts their rows', async () => {
    const { outputs, facts, cached } = await table.mergeData(3);
    expect({ facts, cached }).toEqual({ facts: { rows: 5, batches: 3 }, cached: false });
    expect(outputs.merged.path).toBe('data/merged/');
    const { batches } = await table.ledger();
    const files = await table.store.artifacts.list(outputs.merged);
    expect(files.map(({ path, sha256 }) => [path, sha256])).toEqual(
      batches.map(({ ref }, i) => [`batch_00000${i + 1}.csv`, ref.sha256]),
    );
  });

  it('stores the names of the batches and copies none of them', async () => {
    const stored: string[] = [];
    table.around = ({ verb, key }, act) => {
      if (verb === 'put') stored.push(key.split('/')[0]!);
      return act();
    };
    await table.mergeData(2);
    expect(stored.sort()).toEqual(['cache', 'files', 'manifests']);
  });

  it('finds its result where it has run before', async () => {
    const first = await table.mergeData(2);
    expect(await table.mergeData(2)).toMatchObject({
      cached: true,
      key: first.key,
      outputs: first.outputs,
    });
    expect((await table.mergeData(3)).key).not.toBe(first.key);
  });

  it('takes the batches as they were at the revision of its run', async () => {
    const { revision } = await table.ledger();
    const before = await table.mergeData(3);
    await amend(2, 'n,label\n9,a\n');
    expect(await table.mergeData(3)).toMatchObject({ cached: false, facts: { rows: 10 } });
    expect(await table.mergeData(3, { ledgerRevision: revision })).toMatchObject({
      cached: true,
      outputs: before.outputs,
    });
  });
});

describe('merge_data fails without a retry', () => {
  it('where a batch has not been cut, with the command that cuts it', async () => {
    await expect(table.mergeData(4)).rejects.toMatchObject({
      name: 'MissingHistory',
      message:
        'batch 4 of p has not been cut: run "npx retrain stage prepare_batch 4 --pipeline p" first',
    });
    await expect(table.mergeData(1, { pipeline: 'q' })).rejects.toMatchObject({
      name: 'MissingHistory',
      message: expect.stringContaining('batch 1 of q has not been cut'),
    });
  });

  it('where a batch is gone, which it names so that its stage makes it again', async () => {
    const { ref } = (await table.ledger()).batches[1]!;
    await table.mergeData(3);
    await table.lose(ref);
    await expect(table.mergeData(3)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      details: { ref: { path: 'data/batches/batch_000002.csv', md5: ref.md5 } },
    });
  });

  it('where a batch has lost its bytes to others of the same length', async () => {
    const { ref } = (await table.ledger()).batches[1]!;
    const bytes = Buffer.from(await table.store.artifacts.get(ref));
    bytes[0] = 0;
    await table.lose(ref);
    const { sha256 } = refOf('x', bytes);
    const key = `files/md5/${ref.md5.slice(0, 2)}/${ref.md5.slice(2)}`;
    await table.bucket.put(key, bytes, { sha256 });
    await expect(table.mergeData(3)).rejects.toMatchObject({ name: 'DamagedArtifact' });
  });

  it('as a single stage not for lost batches, which it cannot repair', async () => {
    await table.mergeData(3);
    await table.lose((await table.ledger()).batches[1]!.ref);
    expect(await table.mergeData(3, { cache: 'require' })).toMatchObject({ cached: true });
  });
});
