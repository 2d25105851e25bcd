import { describe, expect, it } from 'vitest';
import { STAGES } from '../../contract/stages.ts';
import type { Params } from '../../contract/params.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';

const paramsWith = (model: object): Params => paramsSchema.parse({ model });
const knobs = { max_depth: 5, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };

describe('the task in cache keys', () => {
  it('is left out while it is classification, as it was when there was nothing else', () => {
    const [told, untold] = [paramsWith({ task: 'classification' }), paramsWith({})];
    const { task: _, ...model } = untold.model;
    for (const params of [told, untold, { ...untold, model } as Params]) {
      expect(STAGES.train.params(params)).toEqual({ model: knobs });
      expect(STAGES.get_data.params(params, { source: 'iris' })).not.toHaveProperty('task');
    }
  });

  it('is part of what types the target and of what fits the model', () => {
    const params = paramsWith({ task: 'regression' });
    expect(STAGES.train.params(params)).toEqual({ model: { task: 'regression', ...knobs } });
    expect(STAGES.get_data.params(params, { source: 'iris' })).toHaveProperty('task', 'regression');
  });
});
