import { describe, expect, it } from 'vitest';
import type { Encoder } from '../../../../pipeline/features/encoder.ts';
import { FlatTreeMaker } from '../../../../pipeline/models/cart/flat-tree.ts';
import { outlineTree } from '../../../../pipeline/models/cart/outline.ts';

const colours = ['blue', 'green', 'grey', 'pink', 'red', 'white'];
const encoder: Encoder = {
  schema: 1,
  target: 'kind',
  missing: 'impute',
  classes: ['a', 'b'],
  features: [
    { name: 'width', type: 'number', median: 1 },
    { name: 'colour', type: 'category', categories: colours, most_frequent: 'red' },
  ],
};

/** A tree whose splits follow each other on one side. */
function chain(splits: [feature: number, threshold: number][], side: 'left' | 'right' = 'right') {
  const maker = new FlatTreeMaker();
  let node = maker.add(1);
  for (const [feature, threshold] of splits) {
    const left = maker.add(2);
    maker.setSplit(node, { feature, threshold, left, gain: 0.1, samples: 10 });
    const [leaf, inner] = side === 'right' ? [left, left + 1] : [left + 1, left];
    maker.setLeaf(leaf, 0, 0.75);
    node = inner;
  }
  maker.setLeaf(node, 1, 1);
  return maker.finish();
}

describe('the outline of a tree', () => {
  it('asks in the names of the features, and answers in the names of the classes', () => {
    expect(outlineTree(chain([[0, 1.23456789]]), encoder, 99)).toEqual({
      kind: 'question',
      text: 'width < 1.23457',
      rows: 10,
      yes: { kind: 'answer', text: 'a', share: 0.75, index: 0 },
      no: { kind: 'answer', text: 'b', share: 1, index: 1 },
    });
  });

  it.each([
    [0.5, 'colour is blue, or new'],
    [1.5, 'colour is blue or green, or new'],
    [2, 'colour is blue or green, or new'],
    [2.5, 'colour is not pink, red or white'],
    [4.5, 'colour is not white'],
    [-0.5, 'colour is new'],
  ])('names the words on the shorter side of a split at %d', (threshold, text) => {
    expect(outlineTree(chain([[1, threshold]]), encoder, 99)).toMatchObject({ text });
  });

  it.each([
    [1.5, 'colour is blue or green'],
    [2.5, 'colour is blue, green or grey'],
    [3.5, 'colour is one of 4 from blue to pink'],
    [4, 'colour is one of 4 from blue to pink'],
    [4.5, 'colour is not white'],
  ])(
    'names the words that part from the most frequent one, and so from new ones, at %d',
    (threshold, text) => {
      const later: Encoder = { ...encoder, schema: 2, unseen: 'missing' };
      expect(outlineTree(chain([[1, threshold]]), later, 99)).toMatchObject({ text });
    },
  );

  it('asks for days, and for parts of dates as numbers', () => {
    const features: Encoder['features'] = [
      { name: 'day', type: 'date', median: 0 },
      { name: 'day.month', type: 'date', median: 1, from: 'day', part: 'month' },
    ];
    const ask = (feature: number, threshold: number) =>
      outlineTree(chain([[feature, threshold]]), { ...encoder, features }, 99);
    expect(ask(0, 19_782)).toMatchObject({ text: 'day < 2024-02-29' });
    expect(ask(1, 2.5)).toMatchObject({ text: 'day.month < 2.5' });
  });

  it('does not say how many rows a question was fitted on where the tree does not', () => {
    const maker = new FlatTreeMaker();
    const root = maker.add(1);
    const left = maker.add(2);
    const unknown = { gain: Number.NaN, samples: Number.NaN };
    maker.setSplit(root, { feature: 0, threshold: 1, left, ...unknown });
    for (const leaf of [left, left + 1]) maker.setLeaf(leaf, 0, 1);
    expect(outlineTree(maker.finish(), encoder, 99)).toMatchObject({ rows: null });
  });

  it('counts words that are too many to name', () => {
    const categories = Array.from({ length: 10 }, (_, i) => `c${i}`);
    const many = { ...encoder, features: [{ ...encoder.features[1]!, categories }] } as Encoder;
    expect(outlineTree(chain([[0, 3.5]]), many, 99)).toMatchObject({
      text: 'colour is one of 4 from c0 to c3, or new',
    });
  });

  it('folds whole levels below the most nodes', () => {
    const tree = chain([
      [0, 1],
      [0, 2],
      [0, 3],
    ]);
    expect(outlineTree(tree, encoder, 7)).toMatchObject({
      no: { kind: 'question', no: { kind: 'question', no: { kind: 'answer' } } },
    });
    expect(outlineTree(tree, encoder, 6)).toMatchObject({
      no: { kind: 'question', no: { kind: 'folded', leaves: 2 } },
    });
    expect(outlineTree(tree, encoder, 3)).toMatchObject({ no: { kind: 'folded', leaves: 3 } });
  });

  it('folds whole levels of a tree that is deep on its left side too', () => {
    const splits = [1, 2, 3, 4].map((threshold): [number, number] => [0, threshold]);
    const tree = chain(splits, 'left');
    expect(outlineTree(tree, encoder, 7)).toMatchObject({
      yes: { yes: { kind: 'question', yes: { kind: 'folded', leaves: 2 } } },
    });
    expect(outlineTree(tree, encoder, 6)).toMatchObject({
      yes: { yes: { kind: 'folded', leaves: 3 } },
    });
  });

  it('answers with numbers in a regression', () => {
    const numbers = { ...encoder, classes: undefined };
    expect(outlineTree(chain([]), numbers, 9)).toEqual({
      kind: 'answer',
      text: '1',
      share: null,
      index: 0,
    });
  });
});
