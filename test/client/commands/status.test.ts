import { expect, it } from 'vitest';
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
