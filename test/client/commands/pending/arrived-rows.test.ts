import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Arrived, computeHere } from '../../../../client/commands/pending/looking.ts';
import { listArrivedRows } from '../../../../client/commands/pending/arrived-rows.ts';
import { paramsSchema } from '../../../../pipeline/models/params.ts';
import { limitsFromEnv } from '../../../../sources/source.ts';
import { storeIn } from '../../../../store/index.ts';
import { LocalCache } from '../../../../store/local-cache.ts';
import { MemoryBucket } from '../../../support/memory-bucket.ts';

const home = mkdtempSync(join(tmpdir(), 'pending '));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Lists the batches of 2 rows in a file with so many rows, for a pipeline without data. */
function listNew(rows: number): Promise<Arrived> {
  const source = join(home, `${rows}.csv`);
  const lines = Array.from({ length: rows }, (_, i) => `${i},${i % 2 === 0 ? 'x' : 'y'}\n`);
  writeFileSync(source, `a,label\n${lines.join('')}`);
  const s3 = { endpoint: 'http://localhost:1', region: 'us-east-1', bucket: 'none' }; // not asked
  return listArrivedRows({
    deps: {
      store: storeIn(new MemoryBucket()),
      local: new LocalCache(join(home, 'cache')),
      compute: computeHere,
    },
    sources: { s3, limits: limitsFromEnv({}) },
    scratch: home,
    ledger: undefined,
    params: paramsSchema.parse({ data: { source, target: 'label', batch_size: 2 } }),
  });
}

describe('before the first batch of a table that may grow', () => {
  it('a short last batch is not pending, and its rows wait', async () => {
    const { batches, waiting } = await listNew(5);
    expect(batches.map(({ batch, rows }) => [batch, rows])).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(waiting).toBe(1);
  });

  it('no row waits if the last batch is full', async () => {
    const { batches, waiting } = await listNew(4);
    expect(batches.map(({ rows }) => rows)).toEqual([2, 2]);
    expect(waiting).toBe(0);
  });

  it('batch 1 is pending even if it is short', async () => {
    const { batches, waiting } = await listNew(1);
    expect(batches.map(({ batch, rows }) => [batch, rows])).toEqual([[1, 1]]);
    expect(waiting).toBe(0);
  });
});
