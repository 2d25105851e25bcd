import { describe, expect, it } from 'vitest';
import { isOpen } from '../../contract/execution.ts';
import * as paths from '../../contract/paths.ts';
import { isDirectory, refSchema, withPath } from '../../contract/ref.ts';
import { workflowIdOf } from '../../contract/train-batch.ts';

describe('paths of artifacts', () => {
  it('are what stored manifests and records name', () => {
    expect(paths.batchFile(2)).toBe('batch_000002.csv');
    expect(paths.partFile(123_456)).toBe('part_123456.arrow');
    expect(paths.amendedFile(3, 'x.csv')).toBe('data/raw/amended/batch_000003/x.csv');
    expect(paths.stateFile(12, 'x.csv')).toBe('data/raw/after_batch_000012/x.csv');
    expect(paths.modelFolder(7)).toBe('models/batch_7');
    expect(paths.metricsFile(7)).toBe('metrics/batch_7.json');
    expect(paths.reportFile(7)).toBe('reports/batch_7.html');
  });

  it('of a table are its name in the folder of raw data, or a later state', () => {
    const good = [
      'data/raw/x.csv',
      'data/raw/after_batch_000012/x.csv',
      'data/raw/after_batch_1234567/x',
    ];
    for (const path of good) expect(paths.isTablePath(path)).toBe(true);
    const bad = [
      'data/raw/',
      'data/raw/after_batch_12/x',
      'data/raw/a/x',
      'x/data/raw/x',
      'data/rawx',
    ];
    for (const path of bad) expect(paths.isTablePath(path)).toBe(false);
    expect(paths.isTablePath(paths.stateFile(12, 'x.csv'))).toBe(true);
  });

  it('stay inside their folder on every system', () => {
    for (const path of ['a', 'a/b', '...', 'a/.b', 'a b/ü'])
      expect(paths.isSafePath(path)).toBe(true);
    for (const path of ['', '/a', 'a/', 'a//b', '.', 'a/./b', '..', 'a/../b', 'a\\b', 'a\0b'])
      expect(paths.isSafePath(path)).toBe(false);
  });

  it('that a person gets as a file are visible, and are no settings or programs of others', () => {
    for (const path of ['a/b.csv', 'a b', 'x.node_modules', 'node_modules2'])
      expect(paths.isVisiblePath(path)).toBe(true);
    const hidden = [
      '.git/config',
      'a/.env',
      ' .a',
      'a/ ',
      '\u200b.git',
      '\u200b',
      'a/../b',
      'a\nb',
    ];
    for (const path of [...hidden, 'node_modules/x', 'a/NODE_MODULES', ' node_modules '])
      expect(paths.isVisiblePath(path)).toBe(false);
  });

  it('have pipelines that are one short word', () => {
    for (const name of ['a', '0-_', 'A'.repeat(64)])
      expect(paths.PIPELINE_NAME.test(name)).toBe(true);
    for (const name of ['', '-a', '_a', 'a b', 'a/b', 'a.b', 'é', 'A'.repeat(65), 'a\n'])
      expect(paths.PIPELINE_NAME.test(name)).toBe(false);
  });
});

describe('a reference', () => {
  const ref = { path: 'a/b', md5: 'a'.repeat(32), sha256: 'b'.repeat(64), size: 0 };

  it('is of a file, or of a directory by its md5', () => {
    expect(refSchema.parse(ref)).toEqual(ref);
    const directory = { ...ref, path: 'a/b/', md5: `${ref.md5}.dir` };
    expect(refSchema.parse(directory)).toEqual(directory);
    expect([ref, directory].map(isDirectory)).toEqual([false, true]);
  });

  it('is refused where its path leaves the folder, or a hash is none', () => {
    const wrong = [
      { path: '../a' },
      { path: '/' },
      { path: 'a//' },
      { md5: 'a'.repeat(31) },
      { md5: `x${ref.md5}` },
      { md5: `${ref.md5}xdir` },
      { md5: `${ref.md5}.dirs` },
      { sha256: 'B'.repeat(64) },
      { sha256: 'b'.repeat(65) },
      { sha256: `${ref.sha256}\n` },
      { size: -1 },
      { size: 0.5 },
      { more: 1 },
    ];
    for (const more of wrong) expect(refSchema.safeParse({ ...ref, ...more }).success).toBe(false);
  });

  it('has the same content under another path', () => {
    expect(withPath('c', ref)).toEqual({ ...ref, path: 'c' });
  });
});

it('one workflow at a time works on a batch, and one on the raw data alone', () => {
  expect(workflowIdOf({ pipeline: 'p', batch: 3 })).toBe('p-batch-3');
  expect(workflowIdOf({ pipeline: 'p', batch: 3, only: 'train' })).toBe('p-batch-3');
  expect(workflowIdOf({ pipeline: 'p', batch: 3, only: 'get_data' })).toBe('p-get_data');
});

it('a workflow is open while it runs or is paused', () => {
  const open = (name: string): boolean => isOpen({ name });
  expect(['RUNNING', 'PAUSED'].map(open)).toEqual([true, true]);
  const closed = [
    'COMPLETED',
    'FAILED',
    'CANCELLED',
    'TERMINATED',
    'CONTINUED_AS_NEW',
    'TIMED_OUT',
  ];
  expect(closed.filter(open)).toEqual([]);
});
