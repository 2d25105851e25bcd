import { describe, expect, it } from 'vitest';
import { refOf } from '../../store/hash.ts';
import { stageKey, type StageIdentity } from '../../store/stage-cache.ts';

const identity: StageIdentity = {
  stage: 'train',
  batch: 2,
  code: 1,
  params: { model: { max_depth: 5, min_gain: 0 } },
  libraries: { 'ml-cart': '2.1.1' },
  inputs: { train: refOf('data/processed/train/', Buffer.from('t')) },
};

describe('a stage key', () => {
  it('never changes: every stored artifact hangs on it', () => {
    expect(stageKey(identity)).toBe(GOLDEN);
  });

  it('does not depend on the order in which params are written', () => {
    const params = { model: { min_gain: 0, max_depth: 5 } };
    expect(stageKey({ ...identity, params })).toBe(GOLDEN);
  });

  it('does not depend on where an input is stored, only on its bytes', () => {
    const train = refOf('elsewhere/', Buffer.from('t'));
    expect(stageKey({ ...identity, inputs: { train } })).toBe(GOLDEN);
  });

  it.each([
    ['stage', { stage: 'evaluate' }],
    ['batch', { batch: 3 }],
    ['code version', { code: 2 }],
    ['params', { params: { model: { max_depth: 6, min_gain: 0 } } }],
    ['libraries', { libraries: { 'ml-cart': '2.1.2' } }],
    ['inputs', { inputs: { train: refOf('data/processed/train/', Buffer.from('u')) } }],
  ])('changes with its %s', (_, changed) => {
    expect(stageKey({ ...identity, ...changed })).not.toBe(GOLDEN);
  });
});

const GOLDEN = 'f5a14873a1b05977da17ab7676da73046afff3d277b13d3fc8fb1fd4706cb172';
