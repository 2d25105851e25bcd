import { readFileSync } from 'node:fs';
import type { TreeParams } from '../../../../pipeline/models/cart/fit.ts';
import { describe, expect, it } from 'vitest';
import {
  errorOf,
  fitRegression,
  fitTree,
  giniOf,
  goLeft,
  parsedTree,
  predictRegression,
  predictTree,
  type TreeNode,
  upTo,
} from '../trees.ts';

interface Shape {
  left: number[];
  right: number[];
  feature: number[];
  threshold: number[];
}

interface SklearnTree extends Shape {
  knobs: { max_depth: number | null; min_samples_split: number; min_samples_leaf: number };
  score: number;
  predictions: number[];
}

/** A tree of depth 8 with what scikit-learn knows of its nodes. */
interface GrownTree extends Shape {
  impurity: number[];
  rows: number[];
  /** How many leaves it has under a `min_impurity_decrease`. */
  decreases: { min_impurity_decrease: number; leaves: number }[];
}

interface Fixture {
  name: string;
  kind: 'classifier' | 'regression';
  columns: number[][];
  targets: number[];
  trees: SklearnTree[];
  grown: GrownTree;
}

const fixtures = ['iris', 'wine', 'breast_cancer', 'digits', 'diabetes'].map((name) => {
  const file = new URL(`../../fixtures/trees/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as Fixture;
});

/** Every second row, from the first or the second, rounded as scikit-learn rounds. */
function half({ columns, targets }: Fixture, first: 0 | 1) {
  const mine = (_: unknown, row: number): boolean => row % 2 === first;
  const taken = columns.map((column) => Float64Array.from(column.filter(mine), Math.fround));
  const kept = targets.filter(mine);
  const names = columns.map((_, c) => `x${c}`);
  return { rows: kept.length, names, columns: taken, targets: kept };
}

type Half = ReturnType<typeof half>;

/** Node number `i` of scikit-learn's tree as one of ours; rows equal to its threshold go left, though. */
function theirCut({ feature, threshold, left }: Shape, i: number) {
  const isLeaf = left[i] === -1;
  const goesLeft = ({ columns }: Half, row: number): boolean =>
    !isLeaf && columns[feature[i]!]![row]! <= threshold[i]!;
  return { isLeaf, goesLeft };
}

/**
 * Walks our tree and scikit-learn's together. Where they cut a node alike they must agree below; where
 * they do not, there is more than one best cut, which the impurities left must show, and the walk ends.
 * @returns test rows whose leaf was reached by unique cuts, how many nodes have several best cuts, and
 * nodes where one tree is worse
 */
function walkTogether(
  ours: TreeNode,
  theirs: Shape,
  train: Half,
  test: Half,
  impurity: (rows: number[]) => number,
) {
  const walked = { compared: [] as number[], ties: 0, worse: [] as unknown[] };
  const todo = [{ node: ours, i: 0, rows: upTo(train.rows), tested: upTo(test.rows) }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { node, i, rows, tested } = next;
    const { isLeaf, goesLeft } = theirCut(theirs, i);
    if (!node.left && isLeaf) {
      walked.compared.push(...tested);
      continue;
    }
    const left = node.left ? goLeft(node, train.columns, rows) : [];
    const theirLeft = rows.filter((row) => goesLeft(train, row));
    if (!node.left || !node.right || left.join() !== theirLeft.join()) {
      const [mine, other] = [left, theirLeft].map(
        (some) => impurity(some) + impurity(rows.filter((row) => !some.includes(row))),
      );
      if (Math.abs(mine! - other!) <= 1e-9 * impurity(rows)) walked.ties++;
      else walked.worse.push({ i, mine, other });
      continue;
    }
    // A test row on the threshold goes left there and right here.
    const column = test.columns[node.splitColumn!]!;
    const agreed = tested.filter(
      (row) => goesLeft(test, row) === (column[row] ?? NaN) < node.splitValue!,
    );
    const [testLeft, testRight] = [true, false].map((is) =>
      agreed.filter((row) => goesLeft(test, row) === is),
    );
    const right = rows.filter((row) => !left.includes(row));
    todo.push({ node: node.left, i: theirs.left[i]!, rows: left, tested: testLeft! });
    todo.push({ node: node.right, i: theirs.right[i]!, rows: right, tested: testRight! });
  }
  return walked;
}

/** The tree without the splits, and all below them, that lower the impurity of their node by no more than `least`. */
function pruned(tree: GrownTree, least: number, weightOf: (rows: number) => number): GrownTree {
  const { left, right, impurity, rows } = tree;
  const part = (node: number, child: number): number =>
    (rows[child]! / rows[node]!) * impurity[child]!;
  const splits = left.map((child, node) => {
    if (child < 0) return false;
    const drop = impurity[node]! - part(node, child) - part(node, right[node]!);
    return weightOf(rows[node]!) * drop > least;
  });
  return { ...tree, left: left.map((child, node) => (splits[node]! ? child : -1)) };
}

function leavesOf(tree: Shape, node = 0): number {
  const [left, right] = [tree.left[node]!, tree.right[node]!];
  return left < 0 ? 1 : leavesOf(tree, left) + leavesOf(tree, right);
}

describe.each(fixtures)('$name, fitted here and by scikit-learn', (fixture) => {
  const [train, test] = [half(fixture, 0), half(fixture, 1)];

  const isClassifier = fixture.kind === 'classifier';
  const classes = [...new Set(fixture.targets)].sort((a, b) => a - b).map(String);
  const impurity = (rows: number[]): number =>
    rows.length === 0 ? 0 : (isClassifier ? giniOf : errorOf)(train.targets, rows);
  const fit = (params: TreeParams) => {
    const labels = train.targets.map(String);
    return isClassifier
      ? fitTree({ columns: train.columns, labels }, classes, params)
      : fitRegression(train, Float64Array.from(train.targets), params);
  };

  it.each(fixture.trees)('cuts alike and predicts alike with $knobs', (theirs) => {
    const max_depth = theirs.knobs.max_depth ?? Infinity;
    const model = fit({ ...theirs.knobs, max_depth, min_gain: 0 });
    const predict = (data: Half): number[] =>
      model.name === 'DTClassifier'
        ? Array.from(predictTree(model, data), (index) => Number(classes[index]))
        : [...predictRegression(model, data)];

    const { compared, ties, worse } = walkTogether(
      parsedTree(model).root,
      theirs,
      train,
      test,
      impurity,
    );
    expect(worse).toEqual([]);
    const predictions = predict(test);
    for (const row of compared) expect(predictions[row]).toBeCloseTo(theirs.predictions[row]!, 9);
    // Ties end the comparison below them; where there are none, all of it was compared.
    expect(compared.length).toBeGreaterThan(ties === 0 ? 0.9 * test.rows : 0);

    const fitted = predict(train);
    const score = isClassifier
      ? fitted.filter((value, row) => value === train.targets[row]).length / train.rows
      : 1 -
        fitted.reduce((sum, value, row) => sum + (value - train.targets[row]!) ** 2, 0) /
          errorOf(train.targets, upTo(train.rows));
    // Cuts that tie are as good in the end, on these data.
    expect(score).toBeCloseTo(theirs.score, 9);
  });

  it.each(fixture.grown.decreases)(
    'stops at min_gain where scikit-learn says that a node gains no more: $min_impurity_decrease',
    ({ min_impurity_decrease: least, leaves }) => {
      const { grown } = fixture;
      const knobs = { max_depth: 8, min_samples_split: 2, min_samples_leaf: 1, min_gain: least };
      const model = fit(knobs);
      const theirs = pruned(grown, least, () => 1);
      const { worse } = walkTogether(parsedTree(model).root, theirs, train, test, impurity);
      expect(worse).toEqual([]);
      // Its own knob weighs a node's drop by the share of all rows it has, so small nodes stop sooner.
      const weighed = pruned(grown, least, (rows) => rows / train.rows);
      expect(leavesOf(weighed)).toBe(leaves);
      expect(leavesOf(theirs)).toBeGreaterThanOrEqual(leaves);
    },
  );
});
