import { describe, expect, it } from 'vitest';
import { listDifferences } from '../../contract/messages.ts';
import type { PinnedRun } from '../../contract/train-batch.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';

const ref = (path: string, digit: string) => ({
  path,
  md5: digit.repeat(32),
  sha256: digit.repeat(64),
  size: 1,
});

const run = (more: Partial<PinnedRun> = {}, source = 'x.csv'): PinnedRun => ({
  batch: 1,
  pipeline: 'p',
  params: paramsSchema.parse({ data: { source } }),
  paramsHash: 'h',
  source: null,
  until: 'evaluate',
  only: null,
  force: false,
  withMissing: false,
  notify: false,
  searchAttributes: [],
  places: { artifacts: 's3://b' },
  ...more,
});

describe('a start of a batch that is running', () => {
  it('joins the run if it asks for the same, wherever its own worker keeps things', () => {
    const elsewhere = run({
      notify: true,
      cpuTaskQueue: 'cpu',
      heartbeatTimeout: 60,
      searchAttributes: ['RetrainBatch'],
      places: { artifacts: 's3://other' },
      paramsHash: 'other',
    });
    expect(listDifferences(run(), elsewhere)).toEqual([]);
  });

  it('is refused with every param in which it differs', () => {
    const asked = run({ until: 'train', only: 'train', force: true, withMissing: true, batch: 2 });
    asked.params = paramsSchema.parse({ data: { source: 'x.csv' }, model: { max_depth: 3 } });
    expect(listDifferences(run(), asked)).toEqual([
      { key: 'batch', running: 1, asked: 2 },
      { key: 'until', running: 'evaluate', asked: 'train' },
      { key: 'only', running: null, asked: 'train' },
      { key: 'force', running: false, asked: true },
      { key: 'with_missing', running: false, asked: true },
      { key: 'model.max_depth', running: run().params.model['max_depth'], asked: 3 },
    ]);
    expect(listDifferences(run({ pipeline: 'q' }), run())).toEqual([
      { key: 'pipeline', running: 'q', asked: 'p' },
    ]);
  });

  it('differs where one of them has a param that the other lacks', () => {
    const more = run();
    more.params = { ...more.params, model: { ...more.params.model, extra: 1 } };
    const difference = { key: 'model.extra', running: 1, asked: null };
    expect(listDifferences(more, run())).toEqual([difference]);
    expect(listDifferences(run(), more)).toEqual([{ ...difference, running: null, asked: 1 }]);
  });

  it('joins if it has the same bytes under another path, and not with other bytes', () => {
    const one = run({ source: ref('a', '1') }, '/here/a.csv');
    expect(listDifferences(one, run({ source: ref('b', '1') }, '/there/a.csv'))).toEqual([]);
    expect(listDifferences(one, run({ source: ref('a', '2') }, '/there/a.csv'))).toEqual([
      { key: 'source', running: '1'.repeat(64), asked: '2'.repeat(64) },
      { key: 'data.source', running: '/here/a.csv', asked: '/there/a.csv' },
    ]);
    expect(listDifferences(one, run({}, '/here/a.csv'))).toEqual([
      { key: 'source', running: '1'.repeat(64), asked: null },
    ]);
    expect(listDifferences(run({}, '/here/a.csv'), run({}, '/there/a.csv'))).toHaveLength(1);
  });

  it('joins whichever files of a folder each has seen', () => {
    const seen = (digit: string): PinnedRun => run({ source: ref('in/', digit) }, 'in/');
    expect(listDifferences(seen('1'), seen('2'))).toEqual([]);
  });

  it('joins a run that repairs what it asks for and more, and no run that repairs less', () => {
    expect(listDifferences(run({ damaged: ['a', 'b'] }), run({ damaged: ['b'] }))).toEqual([]);
    expect(listDifferences(run({ damaged: ['a'] }), run())).toEqual([]);
    expect(listDifferences(run({ damaged: ['a'] }), run({ damaged: ['a', 'b'] }))).toEqual([
      { key: 'damaged', running: ['a'], asked: ['a', 'b'] },
    ]);
    expect(listDifferences(run(), run({ damaged: ['b'] }))).toEqual([
      { key: 'damaged', running: [], asked: ['b'] },
    ]);
  });

  it('does not join a trial, which publishes nothing, nor a trial a run that does', () => {
    const difference = { key: 'publish', running: true, asked: false };
    expect(listDifferences(run(), run({ trial: { 'model.max_depth': 3 } }))).toEqual([difference]);
    expect(listDifferences(run({ trial: {} }), run())).toEqual([
      { ...difference, running: false, asked: true },
    ]);
    expect(listDifferences(run({ trial: {} }), run({ trial: {} }))).toEqual([]);
  });

  it('joins a run that looks for new rows, and no run that does not if it asks for that', () => {
    expect(listDifferences(run({ refresh: true }), run())).toEqual([]);
    expect(listDifferences(run({ refresh: true }), run({ refresh: true }))).toEqual([]);
    expect(listDifferences(run(), run({ refresh: true }))).toEqual([
      { key: 'refresh', running: false, asked: true },
    ]);
  });
});
