import { describe, expect, it } from 'vitest';
import { featureImportance } from '../../pipeline/importance.ts';
import type { TreeModel } from '../../pipeline/tree.ts';

type Node = TreeModel['root'];

const leaf: Node = { distribution: [[1]], splitColumn: 1, gain: 9, numberSamples: 9 };

const split = (splitColumn: number, gain: number, numberSamples?: number, right = leaf): Node => ({
  splitColumn,
  splitValue: 0,
  gain,
  ...(numberSamples === undefined ? {} : { numberSamples }),
  left: leaf,
  right,
});

describe('featureImportance', () => {
  it('weighs each split by the rows of its node', () => {
    expect(featureImportance(split(0, 0.5, 100, split(2, 0.25, 40)), 3)).toEqual([
      50 / 60,
      0,
      10 / 60,
    ]);
  });

  it('weighs all splits alike where a node does not say its rows', () => {
    expect(featureImportance(split(0, 0.75, 100, split(1, 0.25)), 2)).toEqual([0.75, 0.25]);
  });

  it('is zero everywhere in a tree that is one leaf, and takes no rounding below zero', () => {
    expect(featureImportance(leaf, 2)).toEqual([0, 0]);
    expect(featureImportance(split(0, 0.5, 10, split(1, -1e-17, 5)), 2)).toEqual([1, 0]);
  });

  it('reads a tree of any depth', () => {
    let root = leaf;
    for (let i = 0; i < 100_000; i++) root = split(i % 2, 0.5, 10, root);
    const [first, second] = featureImportance(root, 2);
    expect(first).toBeCloseTo(0.5);
    expect(second).toBeCloseTo(0.5);
  });
});
