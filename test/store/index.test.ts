import { expect, it } from 'vitest';
import { sha256 } from '../../store/hash.ts';
import { pipelinesIn } from '../../store/index.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

it('the pipelines of a bucket are those with a ledger or a version, by name', async () => {
  const bucket = new MemoryBucket();
  const keys = [
    'versions/wine/000001/latest.json',
    'versions/wine/index.json',
    'versions/half-made/000001/000001.json',
    'ledgers/wine.json',
    'ledgers/iris_2.json',
    // Other programs wrote these.
    'ledgers/notes.txt',
    'ledgers/a b.json',
    'ledgers/backup.json/wine.json',
    'versions/README.md',
    'versions/.cache/x',
    'elsewhere/other.json',
  ];
  for (const key of keys) await bucket.put(key, Buffer.from('{}'), { sha256: sha256('{}') });
  expect(await pipelinesIn(bucket)).toEqual(['half-made', 'iris_2', 'wine']);
  expect(await pipelinesIn(new MemoryBucket())).toEqual([]);
});
