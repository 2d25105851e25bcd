import { expect, it } from 'vitest';
import { formatVersions, type ListedVersion } from '../../../client/commands/list.ts';

const version = (number: number, compared: ListedVersion['compared'] = null): ListedVersion => ({
  version: number,
  build: 1,
  state: 'published',
  createdAt: '2026-11-29T12:00:00.000Z',
  trainRows: 40 * number,
  metrics: { accuracy: 0.9, test_rows: 10 * number },
  params: {},
  modelVersion: null,
  runId: 'r',
  ledgerRevision: 1,
  standing: null,
  compared,
});

const before = { version: 1, seq: 1, rows: 20, score: 'accuracy' };

it('a version is listed with how it differs from the one before, on which rows', () => {
  const lines = formatVersions(
    [
      version(1),
      version(2, { ...before, by: 0.05, verdict: 'within noise' }),
      version(3, { ...before, version: 2, rows: 30, by: -0.25, verdict: 'worse' }),
      version(4, { ...before, version: 3, rows: 40, by: 0, verdict: 'none' }),
    ],
    false,
  ).split('\n');
  const at = lines[0]!.indexOf('change on the same rows');
  expect(lines.slice(1).map((line) => line.slice(at).split(/ {2,}/)[0])).toEqual([
    '–',
    '+0.0500 from 1.1 on 20 rows: within noise',
    '−0.2500 from 2.1 on 30 rows: worse',
    'no change from 3.1 on 40 rows',
  ]);
});

it('versions that were compared with nothing have no such column', () => {
  expect(formatVersions([version(1)], false)).not.toContain('change');
});
