import * as fc from 'fast-check';
import { DecisionTreeClassifier } from 'ml-cart';
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../pipeline/matrix.ts';
import { takeRows } from '../../pipeline/matrix.ts';
import { describeTree, predictLabels, predictTree } from '../../pipeline/predict.ts';
import { fitTree, treeFromJson, treeToJson } from '../../pipeline/tree.ts';

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
        expect(treeToJson(fitTree(shuffled, classes, knobs))).toEqual(
          treeToJson(fitTree(matrix, classes, knobs)),
        );
      }),
    );
  });

  it('loads in ml-cart and predicts there as here', () => {
    fc.assert(
      fc.property(matrices, matrices, someParams, (train, other, knobs) => {
        const model = treeFromJson(treeToJson(fitTree(train, classes, knobs)));
        const rows = Array.from({ length: other.rows }, (_, row) =>
          other.columns.map((column) => column[row]!),
        );
        const theirs = DecisionTreeClassifier.load(JSON.parse(JSON.stringify(model))).predict(rows);
        expect([...predictTree(model, other)]).toEqual(theirs);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps within its knobs', () => {
    fc.assert(
      fc.property(matrices, someParams, (matrix, knobs) => {
        const model = fitTree(matrix, classes, knobs);
        const { depth, leaves, nodes } = describeTree(model);
        expect(depth).toBeLessThanOrEqual(knobs.max_depth);
        expect(nodes).toBe(2 * leaves - 1);
        const big = fitTree(matrix, classes, { ...knobs, min_samples_split: matrix.rows + 1 });
        expect(describeTree(big)).toEqual({ depth: 0, leaves: 1, nodes: 1 });
      }),
    );
  });

  it('splits exactly min_samples_split rows, and no fewer', () => {
    const matrix = matrixOf([
      [0, 0, 'p'],
      [0, 0, 'p'],
      [1, 0, 'q'],
    ]);
    expect(describeTree(fitTree(matrix, classes, { ...params, min_samples_split: 3 })).nodes).toBe(
      3,
    );
    expect(describeTree(fitTree(matrix, classes, { ...params, min_samples_split: 4 })).nodes).toBe(
      1,
    );
  });

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
    [
      'values whose mean overflows',
      [
        [1e308, 0, 'p'],
        [1.7e308, 0, 'q'],
        [1.7e308, 0, 'q'],
      ],
      'q',
    ],
  ])('makes a single leaf of %s', (_name, rows, answer) => {
    const matrix = matrixOf(rows);
    const model = treeFromJson(treeToJson(fitTree(matrix, classes, params)));
    expect(describeTree(model)).toEqual({ depth: 0, leaves: 1, nodes: 1 });
    expect(new Set(predictLabels(model, matrix, classes))).toEqual(new Set([answer]));
    const loaded = DecisionTreeClassifier.load(model);
    expect(classes[loaded.predict([[7, 7]])[0]!]).toBe(answer);
  });

  it('predicts nothing for no rows', () => {
    const model = fitTree(matrixOf([[1, 2, 'q']]), classes, params);
    expect(predictTree(model, matrixOf([]))).toEqual(new Int32Array(0));
  });

  it('refuses no rows, and labels the encoder does not know', () => {
    expect(() => fitTree(matrixOf([]), classes, params)).toThrow(
      'there are no train rows to fit a tree on: add data or lower split.test_size',
    );
    expect(() => fitTree(matrixOf([[1, 2, 'z']]), classes, params)).toThrow(
      'label "z" is not among the encoder\'s classes "p", "q", "r": use the encoder fitted on these rows',
    );
  });

  it('refuses bytes that are no tree', () => {
    expect(() => treeFromJson(new TextEncoder().encode('{"name":"DTRegression"}'))).toThrow(
      "the model is not a classification tree of ml-cart's: train the version again",
    );
  });
});
