import { expect, it } from 'vitest';
import { readColumns } from '../../store/columns-file.ts';
import { readMetrics } from '../../store/metrics-file.ts';
import { manifestKey, refOf } from '../../store/hash.ts';
import { storeIn } from '../../store/index.ts';
import { MemoryBucket } from '../support/memory-bucket.ts';

it.each([
  ['# no JSON', /Unexpected token .*/],
  ['[1, 2]', /its content: expected keys with values/],
])(
  'an artifact that is not what its stage writes is damaged, and the error says where to look: %s',
  (text, reason) => {
    const bytes = Buffer.from(text);
    const ref = refOf('metrics/batch_1.json', bytes);
    expect(() => readMetrics(bytes, ref)).toThrow(
      expect.objectContaining({
        name: 'DamagedArtifact',
        details: { ref, isForeign: true },
        message: expect.stringMatching(
          `^metrics/batch_1\\.json \\(${ref.md5}\\) does not hold what its stage writes \\(${reason.source}\\), so a record, a cache entry or the ledger names the wrong object: find it with ".* verify --all"`,
        ),
      }),
    );
  },
);

it('the error for an artifact of another shape names the place and what is expected there', async () => {
  const store = storeIn(new MemoryBucket());
  const columns = { schema: 1, columns: [{ name: 'a', type: 'number', since: 'b' }] };
  const ref = await store.artifacts.put('columns.json', Buffer.from(JSON.stringify(columns)));
  await expect(readColumns({ store }, ref)).rejects.toThrow('(columns.0.since: expected a number)');
});

it('the error for an artifact of another shape quotes few of its keys', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => [`key ${i}`, i]);
  const store = storeIn(new MemoryBucket());
  const listing = Buffer.from(
    JSON.stringify({ schema: 1, files: [], ...Object.fromEntries(keys) }),
  );
  const { sha256 } = refOf('', listing);
  await store.bucket.put(manifestKey(sha256), listing, { sha256 });
  const ref = { path: 'data/merged/', md5: `${'0'.repeat(32)}.dir`, sha256, size: 0 };
  const failed = store.artifacts.list(ref);
  await expect(failed).rejects.toThrow(/Unrecognized keys: "key 0", "key 1"/);
  await expect(failed).rejects.toMatchObject({ message: expect.not.stringContaining('key 20"') });
});
