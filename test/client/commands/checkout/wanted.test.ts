import { describe, expect, it } from 'vitest';
import { listParents, listWantedFiles } from '../../../../client/commands/checkout/plan.ts';
import type { Artifacts } from '../../../../store/artifacts.ts';
import { buildRecord, file } from '../../records.ts';

const { record, batches } = buildRecord(2);
const artifacts = {
  list: async ({ path }) => (path === 'data/merged/' ? batches : [file('part')]),
} as Pick<Artifacts, 'list'> as Artifacts;

describe('the files of a version', () => {
  it('are its outputs with directories written out, batches as files of the merged data', async () => {
    const wanted = await listWantedFiles(artifacts, record);
    expect([...wanted.keys()]).toEqual([
      'data/raw/iris.csv',
      'data/raw/columns.json',
      'data/merged/batch_000001.csv',
      'data/merged/batch_000002.csv',
      'data/processed/train/part',
      'data/processed/test/part',
      'data/processed/encoder.json',
      'models/batch_2/model.json',
      'metrics/batch_2.json',
    ]);
    expect(wanted.get('data/merged/batch_000001.csv')!.artifact).toBe('data/merged/');
  });

  it.each([
    '../../outside',
    '/etc/passwd',
    '.git/hooks/pre-commit',
    'a/.git/hooks/pre-commit',
    'a/\u200c.git/config',
    'a\\b',
    'a\nb',
    'node_modules/picocolors/index.js',
    'a/Node_Modules /x.js',
    'part/x',
  ])('never leave the working tree: %j in a directory is refused', async (path) => {
    const list = async () => [file('part'), { ...file('x'), path }];
    await expect(listWantedFiles({ list } as unknown as Artifacts, record)).rejects.toMatchObject({
      name: 'DamagedArtifact',
      message: expect.stringContaining(JSON.stringify(`data/merged/${path}`)),
    });
  });
});

it('the parents of a path are the folders that it lies in, outermost first', () => {
  expect(listParents('a/b/c.csv')).toEqual(['a', 'a/b']);
  expect(listParents('c.csv')).toEqual([]);
});
