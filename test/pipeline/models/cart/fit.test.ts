import * as fc from 'fast-check';
import { DecisionTreeClassifier } from 'ml-cart';
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../../../pipeline/features/matrix.ts';
import { takeRows } from '../../support.ts';
import { writeTree } from '../../../../pipeline/models/cart/fitted-tree.ts';
import { loadTree } from '../../../../pipeline/models/stored-tree.ts';
import { canonicalJson } from '../../../../contract/canonical-json.ts';
import {
  fitRegression,
  fitTree,
  goLeft,
  jsonOf,
  modelOf,
  nearlyTied,
  parsedTree,
  predictLabels,
  predictTree,
  rowsOf,
  sizeOf,
  upTo,
} from '../trees.ts';

const params = { max_depth: 5, min_samples_split: 2, min_gain: 0 };
const classes = ['p', 'q', 'r'];

/** A matrix from rows of features and label. */
function matrixOf(rows: readonly (readonly [number, number, string])[]): Matrix {
  return {
    rows: rows.length,
    names: ['a', 'b'],
    columns: [0, 1].map((i) => Float64Array.from(rows, (row) => row[i] as number)),
    labels: rows.map(([, , label]) => label),
    dropped: 0,
  };
}

const value = fc
  .oneof(fc.integer({ min: 0, max: 3 }), fc.double({ min: -5, max: 5, noNaN: true }))
  .map((x) => x + 0);
const matrices = fc
  .array(fc.tuple(value, value, fc.constantFrom(...classes)), { minLength: 1, maxLength: 40 })
  .map(matrixOf);
const someParams = fc.record({
  max_depth: fc.integer({ min: 1, max: 8 }),
  min_samples_split: fc.integer({ min: 2, max: 10 }),
  min_gain: fc.constantFrom(0, 0.01, 0.2),
});

describe('fitTree', () => {
  it('does not depend on the order of rows', () => {
    fc.assert(
      fc.property(matrices, someParams, fc.gen(), (matrix, knobs, gen) => {
        const rows = [...Array(matrix.rows).keys()];
        const order = gen(() => fc.shuffledSubarray(rows, { minLength: rows.length }));
        const shuffled = takeRows(matrix, order);
        expect(jsonOf(fitTree(shuffled, classes, knobs))).toEqual(
          jsonOf(fitTree(matrix, classes, knobs)),
        );
      }),
    );
  });

  it('loads in ml-cart and predicts there as here', () => {
    fc.assert(
      fc.property(matrices, matrices, someParams, (train, other, knobs) => {
        const tree = fitTree(train, classes, knobs);
        expect(modelOf(tree, 0).predictor).toBe('ml-cart');
        expect(modelOf(tree, 0).predict(other)).toEqual(modelOf(tree).predict(other));
        expect([...predictTree(tree, other)]).toEqual(
          DecisionTreeClassifier.load(parsedTree(tree)).predict(rowsOf(other)),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('has canonical bytes', () => {
    fc.assert(
      fc.property(matrices, someParams, (matrix, knobs) => {
        const model = fitTree(matrix, classes, knobs);
        expect(jsonOf(model).toString()).toBe(canonicalJson(parsedTree(model)));
      }),
    );
  });

  it('keeps within its knobs', () => {
    fc.assert(
      fc.property(matrices, someParams, (matrix, knobs) => {
        const model = fitTree(matrix, classes, knobs);
        expect(sizeOf(model)['depth']).toBeLessThanOrEqual(knobs.max_depth);
        const big = fitTree(matrix, classes, { ...knobs, min_samples_split: matrix.rows + 1 });
        expect(sizeOf(big)).toEqual({ depth: 0, leaves: 1 });
      }),
    );
  });

  it('splits exactly min_samples_split rows, and no fewer', () => {
    const matrix = matrixOf([
      [0, 0, 'p'],
      [0, 0, 'p'],
      [1, 0, 'q'],
    ]);
    const leavesOf = (least: number): number | undefined =>
      sizeOf(fitTree(matrix, classes, { ...params, min_samples_split: least }))['leaves'];
    expect([leavesOf(3), leavesOf(4)]).toEqual([2, 1]);
  });

  it('splits the last two rows of a branch only for more than min_gain', () => {
    const leavesOf = (min_gain: number): number | undefined =>
      sizeOf(
        fitRegression(
          matrixOf([0, 1, 2].map((x) => [x, 0, ''])),
          // The split of the first two rows lowers their variance by 1.
          Float64Array.of(0, 2, 100),
          { ...params, min_gain },
        ),
      )['leaves'];
    expect([leavesOf(0.99), leavesOf(1)]).toEqual([3, 2]);
  });

  it('finds the best cut after as many cuts that nearly tie with it as it keeps', () => {
    const { values, targets } = nearlyTied(1);
    const { root } = parsedTree(fitRegression({ columns: [values] }, targets, params));
    expect(root.splitValue).toBe(257.5);
  });

  it.each([2, 3])(
    'writes for ml-cart that no cut was found for %i rows with the same features',
    (n) => {
      const same = upTo(n).map((row) => [1, 0, row === 0 ? 'p' : 'q'] as const);
      const { root } = parsedTree(fitTree(matrixOf([[0, 0, 'r'], ...same]), classes, params));
      expect(root.right).toMatchObject({ gain: null, distribution: [[1 / n, (n - 1) / n]] });
    },
  );

  it.each<[string, [number, number, string][], string]>([
    ['one row', [[1, 2, 'q']], 'q'],
    [
      'one class',
      [
        [1, 2, 'r'],
        [3, 4, 'r'],
        [5, 6, 'r'],
      ],
      'r',
    ],
    [
      'equal features',
      [
        [1, 2, 'p'],
        [1, 2, 'q'],
        [1, 2, 'q'],
      ],
      'q',
    ],
  ])('makes a single leaf of %s', (_name, rows, answer) => {
    const matrix = matrixOf(rows);
    const model = fitTree(matrix, classes, params);
    expect(sizeOf(model)).toEqual({ depth: 0, leaves: 1 });
    expect(new Set(predictLabels(model, matrix, classes))).toEqual(new Set([answer]));
    const loaded = DecisionTreeClassifier.load(parsedTree(model));
    expect(classes[loaded.predict([[7, 7]])[0]!]).toBe(answer);
  });

  it.each<[string, number, number, number]>([
    ['values whose mean overflows', 1e308, 1.7e308, 1.35e308],
    ['values of which the mean is the lower one', 1, 1 + Number.EPSILON, 1 + Number.EPSILON],
    ['the least values above 0', 0, Number.MIN_VALUE, Number.MIN_VALUE],
    ['large values on either side of 0', -Number.MAX_VALUE, Number.MAX_VALUE, 0],
  ])('parts %s', (_name, below, above, threshold) => {
    const matrix = matrixOf([
      [below, 0, 'p'],
      [above, 0, 'q'],
    ]);
    const model = fitTree(matrix, classes, params);
    expect(parsedTree(model).root.splitValue).toBe(threshold);
    expect(predictLabels(model, matrix, classes)).toEqual(['p', 'q']);
    expect(DecisionTreeClassifier.load(parsedTree(model)).predict(rowsOf(matrix))).toEqual([0, 1]);
  });

  it('takes -0 for 0', () => {
    const matrix = matrixOf([
      [-0, 1, 'p'],
      [0, 1, 'q'],
    ]);
    expect(sizeOf(fitTree(matrix, classes, params))['leaves']).toBe(1);
  });

  it('takes any words for classes, more of them than rows too', () => {
    const words = ['-1', '0', '1.5', 'é', ...Array.from({ length: 1000 }, (_, i) => `word ${i}`)];
    const rows = ['word 999', '-1', 'é', '-1'].map((label, i) => [i, -i, label] as const);
    const matrix = matrixOf(rows);
    const model = fitTree(matrix, words, params);
    expect(predictLabels(model, matrix, words)).toEqual(matrix.labels);
    expect(DecisionTreeClassifier.load(parsedTree(model)).predict(rowsOf(matrix))).toEqual(
      matrix.labels.map((label) => words.indexOf(label)),
    );
  });

  it('leaves min_samples_leaf rows on either side, and tells ml-cart so', () => {
    fc.assert(
      fc.property(matrices, fc.integer({ min: 2, max: 6 }), (matrix, least) => {
        const model = fitTree(matrix, classes, { ...params, min_samples_leaf: least });
        expect(model.options['minSamplesLeaf']).toBe(least);
        const todo = [{ node: parsedTree(model).root, rows: upTo(matrix.rows) }];
        for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
          const { node, rows } = next;
          if (!node.left || !node.right) continue;
          const left = goLeft(node, matrix.columns, rows);
          const right = rows.filter((row) => !left.includes(row));
          expect(Math.min(left.length, right.length)).toBeGreaterThanOrEqual(least);
          todo.push({ node: node.left, rows: left }, { node: node.right, rows: right });
        }
      }),
    );
  });

  it('grows as deep as it must', () => {
    const size = 6000;
    const matrix = matrixOf(upTo(size).map((i) => [i, 0, i % 2 === 0 ? 'p' : 'q']));
    const model = fitTree(matrix, classes, { ...params, max_depth: Infinity });
    expect(sizeOf(model)['depth']).toBeGreaterThan(size / 3);
    expect(predictLabels(model, matrix, classes)).toEqual(matrix.labels);
  });

  it('is written piece by piece, so that memory never holds the whole text', () => {
    const matrix = matrixOf(upTo(9000).map((i) => [i, 0, i % 2 === 0 ? 'p' : 'q']));
    const deep = { ...params, max_depth: Infinity };
    const sizes = Array.from(writeTree(fitTree(matrix, classes, deep)), ({ length }) => length);
    expect(sizes.length).toBeGreaterThan(2);
    for (const size of sizes.slice(0, -1)) {
      expect(size).toBeGreaterThanOrEqual(2 ** 18);
      expect(size).toBeLessThan(2 ** 18 + 1000);
    }
  });

  it('predicts nothing for no rows', () => {
    const model = fitTree(matrixOf([[1, 2, 'q']]), classes, params);
    expect(predictTree(model, matrixOf([]))).toEqual(new Int32Array(0));
  });

  it('refuses bytes that are no tree', () => {
    const regression = '{"name":"DTRegression","root":{"distribution":1}}';
    const stored = { size: regression.length, read: () => [Buffer.from(regression)] };
    expect(() => loadTree('A tree', stored, 'classification', 'the model')).toThrow(
      "the model is not a classification tree of ml-cart's: train the version again",
    );
  });
});
