import { describe, expect, it } from 'vitest';
import { loadTree } from '../../../../pipeline/models/stored-tree.ts';

const leaf = '{"distribution":[[1]],"splitColumn":1,"gain":9,"numberSamples":9}';

const split = (feature: number, gain: number, rows?: number, right = leaf): string =>
  `{"splitColumn":${feature},"splitValue":0,"gain":${gain},` +
  `${rows === undefined ? '' : `"numberSamples":${rows},`}"left":${leaf},"right":${right}}`;

const importanceOf = (root: string, features: number): number[] => {
  const json = Buffer.from(`{"name":"DTClassifier","root":${root}}`);
  const stored = { size: json.length, read: () => [json] };
  return loadTree('A tree', stored, 'classification', 'the model').importance(features)!;
};

describe('feature importance', () => {
  it('weighs each split by the rows of its node', () => {
    expect(importanceOf(split(0, 0.5, 100, split(2, 0.25, 40)), 3)).toEqual([50 / 60, 0, 10 / 60]);
  });

  it('weighs all splits alike where a node does not say its rows', () => {
    expect(importanceOf(split(0, 0.75, 100, split(1, 0.25)), 2)).toEqual([0.75, 0.25]);
  });

  it('is zero everywhere in a tree that is one leaf, and takes no rounding below zero', () => {
    expect(importanceOf(leaf, 2)).toEqual([0, 0]);
    expect(importanceOf(split(0, 0.5, 10, split(1, -1e-17, 5)), 2)).toEqual([1, 0]);
  });

  it('reads a tree of any depth', () => {
    const deep = 100_000;
    const head = (i: number): string => split(i % 2, 0.5, 10, '');
    const heads = Array.from({ length: deep }, (_, i) => head(i).slice(0, -1));
    const [first, second] = importanceOf(`${heads.join('')}${leaf}${'}'.repeat(deep)}`, 2);
    expect(first).toBeCloseTo(0.5);
    expect(second).toBeCloseTo(0.5);
  });
});
