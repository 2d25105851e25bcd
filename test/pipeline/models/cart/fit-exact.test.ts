import * as fc from 'fast-check';
import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import { describe, expect, it } from 'vitest';
import type { FittedTree } from '../../../../pipeline/models/cart/fitted-tree.ts';
import type { Matrix } from '../../../../pipeline/features/matrix.ts';
import {
  errorOf,
  fitRegression,
  fitTree,
  goLeft,
  jsonOf,
  matrixFrom,
  modelOf,
  parsedTree,
  predictRegression,
  predictTree,
  rowsOf,
  seeded,
  sizeOf,
  type TreeNode,
  upTo,
} from '../trees.ts';
import { iris, sha256, takeRows } from '../../support.ts';

const unlimited = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };
const classes = ['p', 'q', 'r'];

const value = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: -2, max: 2 }) },
  fc.double({ min: -5, max: 5, noNaN: true }).map((x) => x + 0),
);
/** Small tables full of equal values; the label also as a number for regression. */
const tables = fc
  .integer({ min: 1, max: 4 })
  .chain((width) =>
    fc.array(fc.tuple(fc.array(value, { minLength: width, maxLength: width }), fc.nat(2)), {
      minLength: 1,
      maxLength: 30,
    }),
  )
  .map((rows) => {
    const labels = rows.map(([, label]) => classes[label]!);
    const matrix = matrixFrom(
      rows.map(([features]) => features),
      labels,
    );
    return { matrix, targets: Float64Array.from(rows, ([, label]) => label * 0.3 - 0.1) };
  });

interface Cut {
  feature: number;
  left: number[];
}

/** The cuts of some rows, in the order that breaks ties. */
function cutsOf({ columns }: Matrix, rows: number[]): Cut[] {
  return columns.flatMap((column, feature) => {
    const values = [...new Set(rows.map((row) => column[row]!))].sort((a, b) => a - b).slice(1);
    return values.map((least) => ({ feature, left: rows.filter((row) => column[row]! < least) }));
  });
}

/** Squares of class counts, summed. */
function squaresOf(labels: readonly string[], rows: number[]): bigint {
  const counts = classes.map((label) => BigInt(rows.filter((row) => labels[row] === label).length));
  return counts.reduce((sum, n) => sum + n * n, 0n);
}

/** L/l + R/r of a cut as a fraction of whole numbers: the greater, the less gini impurity is left. */
function purityOf(labels: readonly string[], rows: number[], left: number[]): [bigint, bigint] {
  const right = rows.filter((row) => !left.includes(row));
  const [l, r] = [BigInt(left.length), BigInt(right.length)];
  return [squaresOf(labels, left) * r + squaresOf(labels, right) * l, l * r];
}

/** The first of the best cuts, if it is any better than none. */
function bestCut(matrix: Matrix, rows: number[]): Cut | null {
  let best: Cut | null = null;
  let most: [bigint, bigint] = [squaresOf(matrix.labels, rows), BigInt(rows.length)];
  for (const cut of cutsOf(matrix, rows)) {
    const purity = purityOf(matrix.labels, rows, cut.left);
    if (purity[0] * most[1] <= most[0] * purity[1]) continue;
    [best, most] = [cut, purity];
  }
  return best;
}

/** Visits every node with the rows that reach it. */
function visit(
  root: TreeNode,
  matrix: Matrix,
  see: (node: TreeNode, rows: number[]) => void,
): void {
  const todo = [{ node: root, rows: upTo(matrix.rows) }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { node, rows } = next;
    see(node, rows);
    if (!node.left || !node.right) continue;
    const left = goLeft(node, matrix.columns, rows);
    todo.push({ node: node.left, rows: left });
    todo.push({ node: node.right, rows: rows.filter((row) => !left.includes(row)) });
  }
}

describe('fitTree, measured by trying every cut', () => {
  it('makes the first of the best cuts in every node, and stops only where none helps', () => {
    fc.assert(
      fc.property(tables, ({ matrix }) => {
        const { root } = parsedTree(fitTree(matrix, classes, unlimited));
        visit(root, matrix, (node, rows) => {
          const made = node.left && {
            feature: node.splitColumn!,
            left: goLeft(node, matrix.columns, rows),
          };
          expect(made ?? null).toEqual(bestCut(matrix, rows));
        });
      }),
      { numRuns: 300 },
    );
  });

  it('takes the first feature and the lowest threshold among equals', () => {
    const mirrored = [1, 2, 3, 4].map((x) => [7, -x, x, x]);
    const mirroredMatrix = matrixFrom(mirrored, ['p', 'q', 'q', 'p']);
    const { root } = parsedTree(fitTree(mirroredMatrix, classes, unlimited));
    expect([root.splitColumn, root.splitValue]).toEqual([1, -3.5]);
  });
});

describe('fitRegression, measured by trying every cut', () => {
  it('makes a best cut in every node, and stops only where none helps', () => {
    fc.assert(
      fc.property(tables, ({ matrix, targets }) => {
        const { root } = parsedTree(fitRegression(matrix, targets, unlimited));
        visit(root, matrix, (node, rows) => {
          const all = errorOf(targets, rows);
          const errorAfter = (left: number[]): number =>
            errorOf(targets, left) +
            errorOf(
              targets,
              rows.filter((row) => !left.includes(row)),
            );
          const errors = cutsOf(matrix, rows).map(({ left }) => errorAfter(left));
          const least = Math.min(all, ...errors);
          const made = node.left ? errorAfter(goLeft(node, matrix.columns, rows)) : all;
          expect(made).toBeLessThanOrEqual(least + 1e-9);
        });
      }),
    );
  });

  it.each([1, 1024])(
    'makes no split of %i times four rows whose gain is only rounding',
    (times) => {
      // Neither feature alone explains a target, but 0.1 and 0.3 differ from 0.2 by two different floats.
      const corners = [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ];
      const rows = upTo(4 * times).map((i) => corners[i % 4]!);
      const targets = Float64Array.from(rows, ([x, y]) => (x === y ? 0.1 : 0.3));
      const tree = fitRegression(matrixFrom(rows, []), targets, unlimited);
      expect(sizeOf(tree)).toEqual({ depth: 0, leaves: 1 });
    },
  );

  it('makes the perfect split that ml-cart refuses', () => {
    const rows = [1, 2, 3, 4, 5, 6].map((x) => [x]);
    const targets = [2, 2, 2, 9, 9, 9];
    const ours = fitRegression(matrixFrom(rows, []), Float64Array.from(targets), unlimited);
    expect(DecisionTreeRegression.load(parsedTree(ours)).predict(rows)).toEqual(targets);
    const theirs = new DecisionTreeRegression({ minNumSamples: 1 });
    theirs.train(rows, targets);
    expect(theirs.predict(rows)).toEqual(targets.map(() => 5.5));
  });

  it('loads in ml-cart and predicts there as here', () => {
    fc.assert(
      fc.property(tables, tables, ({ matrix, targets }, other) => {
        fc.pre(matrix.columns.length === other.matrix.columns.length);
        const model = fitRegression(matrix, targets, unlimited);
        const loaded = DecisionTreeRegression.load(parsedTree(model));
        expect(modelOf(model, 0).predict(other.matrix)).toEqual(
          modelOf(model).predict(other.matrix),
        );
        expect([...predictRegression(model, other.matrix)]).toEqual(
          loaded.predict(rowsOf(other.matrix)),
        );
      }),
    );
  });
});

describe('both trainers', () => {
  const hashesOf = (
    { matrix, targets }: { matrix: Matrix; targets: Float64Array },
    seed: number,
  ) => {
    const random = seeded(seed);
    const order = upTo(matrix.rows)
      .map((row) => ({ row, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ row }) => row);
    const shuffled = takeRows(matrix, order);
    const moved = Float64Array.from(order, (row) => targets[row]!);
    return [
      sha256(jsonOf(fitTree(shuffled, classesOf(matrix), unlimited))),
      sha256(jsonOf(fitRegression(shuffled, moved, unlimited))),
    ].join();
  };
  const classesOf = ({ labels }: Matrix): string[] => [...new Set(labels)].sort();
  const random = seeded(7);
  const flowers = iris().rows;
  const irisRows = flowers.map((cells) => cells.slice(0, 4).map(Number));
  const noisy = upTo(600).map(() => [random(), Math.floor(random() * 5), Math.floor(random() * 2)]);
  const hostile = upTo(400).map(() => [Math.floor(random() * 3), Math.floor(random() * 3)]);

  it.each([
    [
      'Iris',
      matrixFrom(
        irisRows,
        flowers.map((cells) => cells[4]!),
      ),
      Float64Array.from(irisRows, ([length]) => length! / 3),
    ],
    [
      'six hundred noisy rows',
      matrixFrom(
        noisy,
        noisy.map(([x]) => (x! + random() > 1 ? 'p' : 'q')),
      ),
      Float64Array.from(noisy, ([x, y]) => x! * y! + random() * 1e-3),
    ],
    [
      'few values, much contradiction',
      matrixFrom(
        hostile,
        hostile.map(() => classes[Math.floor(random() * 3)]!),
      ),
      Float64Array.from(hostile, () => (random() - 0.5) * 10 ** Math.floor(random() * 12)),
    ],
  ])('make one model of 200 shuffles of %s', (_name, matrix, targets) => {
    const hashes = upTo(200).map((seed) => hashesOf({ matrix, targets }, seed));
    expect(new Set(hashes).size).toBe(1);
  });

  it('make thresholds of twice the size of features of twice the size, and nothing else new', () => {
    fc.assert(
      fc.property(tables, fc.integer({ min: -30, max: 30 }), ({ matrix, targets }, power) => {
        const scale = 2 ** power;
        const scaled = { ...matrix, columns: matrix.columns.map((c) => c.map((x) => x * scale)) };
        // Scaling and means are exact, but for the smallest of numbers.
        fc.pre(scaled.columns.flatMap((c) => [...c]).every((x) => x === 0 || Math.abs(x) > 1e-290));
        const descale = (key: string, field: unknown): unknown =>
          key === 'splitValue' ? (field as number) / scale : field;
        const restored = (model: FittedTree): unknown =>
          JSON.parse(JSON.stringify(parsedTree(model), descale));
        expect(restored(fitTree(scaled, classes, unlimited))).toEqual(
          parsedTree(fitTree(matrix, classes, unlimited)),
        );
        expect(restored(fitRegression(scaled, targets, unlimited))).toEqual(
          parsedTree(fitRegression(matrix, targets, unlimited)),
        );
      }),
    );
  });

  it('never score lower on their own rows for being deeper', () => {
    fc.assert(
      fc.property(tables, ({ matrix, targets }) => {
        let [right, error] = [0, Infinity];
        for (const max_depth of upTo(7)) {
          const knobs = { ...unlimited, max_depth };
          const predicted = predictTree(fitTree(matrix, classes, knobs), matrix);
          const hits = matrix.labels.filter((label, row) => classes[predicted[row]!] === label);
          expect(hits.length).toBeGreaterThanOrEqual(right);
          right = hits.length;
          const means = predictRegression(fitRegression(matrix, targets, knobs), matrix);
          const left = means.reduce((sum, mean, row) => sum + (mean - targets[row]!) ** 2, 0);
          expect(left).toBeLessThanOrEqual(error + 1e-12);
          error = left;
        }
      }),
    );
  });

  it('predict alike here and in ml-cart for values the tree never saw', () => {
    const rows = [[1], [1], [2], [3], [3]];
    const matrix = matrixFrom(rows, ['p', 'q', 'q', 'r', 'r']);
    const model = fitTree(matrix, classes, unlimited);
    const strange = [[-0], [Infinity], [-Infinity], [NaN], [1.5], [2.5], [1e300]];
    expect([...predictTree(model, matrixFrom(strange, []))]).toEqual(
      DecisionTreeClassifier.load(parsedTree(model)).predict(strange),
    );
  });
});
