import { expect, it } from 'vitest';
import { readStoredVersion } from '../../../client/commands/status/stored-version.ts';
import type { Session } from '../../../client/session.ts';
import { StorageRefused } from '../../../contract/failures.ts';
import { storeIn } from '../../../store/index.ts';
import { MemoryBucket } from '../../support/memory-bucket.ts';
import { toVersionDocument } from '../../../client/commands/status/status.ts';
import { buildRecord } from '../records.ts';

it('status --json names the fields of a version and of its stages in camelCase', () => {
  const { record } = buildRecord(2);
  const { stages, ...document } = toVersionDocument(record);
  expect(Object.keys(document).filter((key) => key.includes('_'))).toEqual([]);
  expect(document).toMatchObject({ version: 2, build: 1, ledgerRevision: 3 });
  const {
    producer: _,
    started_at: startedAt,
    duration_ms: durationMs,
    ...rest
  } = record.stages[4]!;
  const producer = { workflowId: 'w', runId: 'r' };
  expect(stages[4]).toEqual({ ...rest, producer, startedAt, durationMs });
});

it('status names a bucket that cannot exist, in which a read finds nothing', async () => {
  const refused = new StorageRefused('no bucket can have this name');
  const bucket = new MemoryBucket(undefined, {
    around: ({ verb }, act) => {
      if (verb === 'bucket') throw refused;
      return act();
    },
  });
  const stored = await readStoredVersion({ store: storeIn(bucket) } as Session, 'iris', 1);
  expect(stored).toMatchObject({ version: null, error: refused });
});
