import * as fc from 'fast-check';
import { DecisionTreeClassifier } from 'ml-cart';
import { describe, expect, it } from 'vitest';
import { BadData } from '../../../../contract/failures.ts';
import { readTree } from '../../../../pipeline/models/cart/read-tree.ts';
import { loadTree } from '../../../../pipeline/models/stored-tree.ts';
import {
  fitRegression,
  fitTree,
  jsonOf,
  matrixFrom,
  parsedTree,
  seeded,
  type TreeNode,
  upTo,
} from '../trees.ts';

const params = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };
const random = seeded(3);
const rows = upTo(120).map(() => [random(), Math.floor(random() * 5), random() * 1e-300]);
const words = ['p', 'q', 'r'];
const matrix = matrixFrom(
  rows,
  rows.map(() => words[Math.floor(random() * 3)]!),
);

/** Bytes in pieces that end wherever the lengths say. */
function* inPieces(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** A tree of one split, some of whose fields are others. */
function rootOf(others: object): string {
  const [left, right] = [{ distribution: [[1]] }, { distribution: [[0, 1]] }];
  const root = { splitColumn: 0, splitValue: 1, left, right, ...others };
  return JSON.stringify({ name: 'DTClassifier', root });
}

describe('a tree read from its JSON', () => {
  const classes = fitTree(matrix, words, params);
  const numbers = fitRegression(
    matrix,
    Float64Array.from(rows, ([x]) => x!),
    params,
  );

  it.each([
    ['of classes', classes],
    ['of numbers', numbers],
  ])('%s is the one that was written, wherever its pieces end', (_name, tree) => {
    const json = jsonOf(tree);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }),
        (lengths) => {
          const read = readTree(inPieces(json, lengths));
          expect(read.name).toBe(tree.name);
          expect(shapeOf(read.tree)).toEqual(shapeOf(readTree([json]).tree));
          expect(asRead(parsedTree(tree).root)).toEqual(shapeOf(read.tree).root);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('is read however ml-cart orders and spaces its fields', () => {
    const theirs = new DecisionTreeClassifier({ maxDepth: 5, minNumSamples: 1 });
    theirs.train(
      rows,
      upTo(rows.length).map((i) => i % 3),
    );
    const json = JSON.stringify(theirs, null, 1);
    const { tree } = readTree([Buffer.from(json)]);
    expect(tree.nodes).toBe(json.split('"kind"').length - 2);
  });

  it.each([
    ['{"name":"DTClassifier"', /expected } at byte 22/],
    ['{"name":"DTClassifier","root":{"distribution":[[1]]}} x', /expected the end at byte 54/],
    ['{"name":"DTClassifier","root":{"distribution":[[1,]]}}', /expected a number/],
    ['{"name":"DTClassifier","root":{"distribution":[[01]]}}', /expected a number/],
    ['{"name":"DTClassifier","root":{"kind":nothing}}', /expected a value/],
    ['{"name":"DTClassifier","root":{"kind":"x', /expected more/],
    ['{"name":"DTClassifier"}', /it has no root/],
    ['{"name":"DTClassifier","root":{"splitColumn":0}}', /neither a leaf nor a split/],
    [
      '{"name":"DTClassifier","root":{"splitColumn":0,"splitValue":1,"left":{"distribution":[[1]]}}}',
      /neither a leaf nor a split/,
    ],
    ['{}', /it has no root/],
    ['{"name":"DTClassifier","root":{}}', /neither a leaf nor a split/],
    ['{"name":5,"root":{"distribution":[[1]]}}', /is not a classification tree of ml-cart's/],
    ['{"name":"DTRegression","root":{"distribution":1}}', /is not a classification tree/],
    ['{"name":"DTClassifier","kind":}', /expected a value at byte 30/],
    [
      '{"name":"DTClassifier","kind":,"root":{"distribution":[[1]]}}',
      /expected a value at byte 30/,
    ],
    [`{"name":"DTClassifier","root":{"gain":0.${'1'.repeat(63)}}}`, /expected a number/],
    [rootOf({ splitColumn: -1 }), /neither a leaf nor a split/],
    [rootOf({ splitColumn: 0.5 }), /neither a leaf nor a split/],
    [rootOf({ splitValue: null }), /neither a leaf nor a split/],
    [rootOf({ distribution: [[1]] }), /neither a leaf nor a split/],
    [rootOf({}).replace('right', 'left'), /it has a node with two of left/],
    [
      rootOf({}).replace('"right":', '"right":{"distribution":[[1]]},"right":'),
      /it has a node with two of right/,
    ],
  ])('is refused where it is none: %s', (json, reason) => {
    const read = (): unknown =>
      loadTree(
        'A tree',
        { size: json.length, read: () => [Buffer.from(json)] },
        'classification',
        'the model of version 3',
      );
    expect(read).toThrow(BadData);
    expect(read).toThrow(reason);
    expect(read).toThrow(/^the model of version 3 .*: train the version again$/);
  });

  it.each(['classification', 'regression'] as const)(
    'of a %s does not predict where ml-cart reads something else',
    (task) => {
      const [name, low, high, kind] =
        task === 'classification'
          ? ['DTClassifier', '[[1]]', '[[0,1]]', '"kind":"classifier"']
          : ['DTRegression', '0', '1', '"kind":"regression"'];
      // The second threshold is the first one to a parser that decodes names.
      const split = String.raw`"splitColumn":0,"splitValue":1,"split\u0056alue":5`;
      const children = `"left":{${kind},"distribution":${low}},"right":{${kind},"distribution":${high}}`;
      const json = `{"name":"${name}","options":{${kind}},"root":{${kind},${split},${children}}}`;
      const stored = { size: json.length, read: () => [Buffer.from(json)] };
      const model = loadTree('A tree', stored, task, 'the model');
      const predict = (value: number): unknown =>
        model.predict({ rows: 2, columns: [Float64Array.of(0, value)] });
      expect(predict(7)).toBeDefined();
      expect(() => predict(3)).toThrow('for row 2 ml-cart predicts 0 and this program predicts 1');
    },
  );

  it('is read past values that say nothing of it', () => {
    const more = '"a":[1,{"b":"\\"}]","c":[]},-1.5e-7,null,true],"é":"\\u00e9",';
    const root = `{${more}"distribution":[[0,0.5,0.5],[1]]}`;
    const json = `{${more}\r\n\t"name":"DTClassifier","root":${root}} \n`;
    const { tree } = readTree([Buffer.from(json)]);
    expect([tree.nodes, tree.answers[0], tree.gains[0]]).toEqual([1, 1, 0.5]);
  });

  it('has the name that it was given, and keeps shares only if they are wanted', () => {
    const json = Buffer.from(`{"kind":"a",${rootOf({}).slice(1, -1)},"after":"b"}`);
    const { name, tree } = readTree([json]);
    expect([name, tree.shares]).toEqual(['DTClassifier', null]);
    expect(readTree([json], true).tree.shares).toEqual([[], [1], [0, 1]]);
  });

  it('is the same with the right child before the left one', () => {
    const read = (root: string) => shapeOf(readTree([Buffer.from(root)]).tree);
    const { root } = JSON.parse(rootOf({})) as { root: { left: object; right: object } };
    const { left, right, ...split } = root;
    const turned = JSON.stringify({ root: { right, ...split, left } });
    expect(read(turned)).toEqual(read(rootOf({})));
    expect(read(turned).root).toEqual([0, 1, NaN, NaN, [0, 1], [1, 1]]);
  });

  it('is read from pieces of which some are empty', () => {
    const [none, json] = [Buffer.alloc(0), Buffer.from(rootOf({}))];
    const pieces = [none, json.subarray(0, 9), none, none, json.subarray(9), none];
    expect(readTree(pieces).tree).toEqual(readTree([json]).tree);
  });
});

/** What a tree predicts by and what is said of it, from the root down, without the positions of its nodes. */
function shapeOf(tree: ReturnType<typeof readTree>['tree']) {
  const { nodes, leaves, depth, features, thresholds, links, answers, gains, samples } = tree;
  const below = (node: number): unknown => {
    const right = links[4 * node + 2]!;
    if (right === node) return [answers[node], gains[node]];
    const split = [links[4 * node + 3], thresholds[2 * node], gains[node], samples[node]];
    return [...split, below(right - 1), below(right)];
  };
  return { nodes, leaves, depth, features, root: below(0) };
}

/** The same of a tree as JSON.parse reads it. */
function asRead(node: TreeNode): unknown {
  const { left, right, distribution, splitColumn, splitValue, gain, numberSamples } = node;
  if (left && right)
    return [splitColumn, splitValue, gain, numberSamples, asRead(left), asRead(right)];
  if (typeof distribution === 'number') return [distribution, 1];
  const [shares] = distribution as [number[]];
  const most = Math.max(...shares);
  return [shares.indexOf(most), most];
}
