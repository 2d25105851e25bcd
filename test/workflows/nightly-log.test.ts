import { expect, it } from 'vitest';
import { paramsSchema } from '../../pipeline/models/params.ts';
import { NightlyLog } from '../../workflows/nightly-log.ts';

it('a nightly shows the warnings of its runs once, with the batch that gives them', () => {
  let shown = '';
  const run = { pipeline: 'p', params: paramsSchema.parse({}), source: null, rebuild: false };
  const log = new NightlyLog(run, (details) => (shown = details));
  log.found({ batches: [{ batch: 1 }, { batch: 2 }], more: 0, warnings: ['x.csv is quarantined'] });
  const later = 'preprocess: batch 1: 2 rows without a label are left out';
  log.done(1, undefined, ['get_data: x.csv is quarantined', later]);
  log.done(2, undefined, [later, 'train: batch 2 repeats 9 train rows of batch 1']);
  expect(log.finish().warnings).toEqual([
    'x.csv is quarantined',
    `batch 1: ${later}`,
    'batch 2: train: batch 2 repeats 9 train rows of batch 1',
  ]);
  expect(shown).toContain('batch 2 repeats 9 train rows');
});
