import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../../contract/canonical-json.ts';
import {
  fitRegression,
  fitTree,
  giniOf,
  goLeft,
  matrixFrom,
  parsedTree,
  seeded,
  type TreeNode,
  upTo,
} from '../trees.ts';

const SETS = 600;

/** Rows whose values all differ, with classes that follow the first feature but for noise, and knobs. */
function dataSet(seed: number) {
  const random = seeded(seed);
  const size = 10 + Math.floor(random() * 190);
  const width = 1 + Math.floor(random() * 5);
  const kinds = 2 + Math.floor(random() * 3);
  const noise = random();
  const rows = upTo(size).map(() => upTo(width).map(() => random() * 2 - 1));
  const classOf = (row: number[]): number =>
    Math.floor(random() < noise ? random() * kinds : ((row[0]! + 1) / 2) * kinds);
  const labels = rows.map(classOf);
  const targets = rows.map((row) => row[0]! * 3 + random() * noise);
  const knobs = {
    max_depth: [Infinity, 3, 6][seed % 3]!,
    min_samples_split: [2, 3, 5, 10][seed % 4]!,
    min_gain: 0,
  };
  return { rows, labels, targets, kinds, knobs };
}

function parsed(model: unknown): { root: TreeNode } {
  return JSON.parse(JSON.stringify(model)) as { root: TreeNode };
}

function optionsOf({ max_depth, min_samples_split }: ReturnType<typeof dataSet>['knobs']) {
  return { minNumSamples: min_samples_split - 1, maxDepth: max_depth, gainThreshold: 0 };
}

/** The first node in which two trees of the same rows differ, and ml-cart's gain in its parent. */
function firstDifference(ours: TreeNode, theirs: TreeNode, columns: Float64Array[], size: number) {
  const todo = [{ ours, theirs, rows: upTo(size), parentGain: null as number | null | undefined }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { left, right, distribution: _, ...here } = next.ours;
    const { left: theirLeft, right: theirRight, distribution: __, ...there } = next.theirs;
    const isAlike = canonicalJson(here) === canonicalJson(there) && !left === !theirLeft;
    if (!isAlike) return next;
    if (!left || !right) continue;
    const goes = goLeft(next.ours, columns, next.rows);
    const stays = next.rows.filter((row) => !goes.includes(row));
    const parentGain = next.theirs.gain;
    todo.push({ ours: right, theirs: theirRight!, rows: stays, parentGain });
    todo.push({ ours: left, theirs: theirLeft!, rows: goes, parentGain });
  }
  return null;
}

/** Why two trees differ where they first do; `otherwise` is for what must not be. */
function reasonOf(
  { ours, theirs, rows, parentGain }: NonNullable<ReturnType<typeof firstDifference>>,
  columns: Float64Array[],
  labels: number[],
): 'stopped' | 'tied' | 'otherwise' {
  // The guard of ml-cart's that a tree over fewer and fewer rows does not need.
  const isStopped = theirs.left === undefined && ours.left !== undefined;
  if (isStopped) return theirs.gain! > 0 && theirs.gain === parentGain ? 'stopped' : 'otherwise';
  // Two best cuts: ours is the first of them, ml-cart's the one that rounding makes greater.
  const [mine, other] = [ours, theirs].map((node) => {
    const left = goLeft(node, columns, rows);
    const right = rows.filter((row) => !left.includes(row));
    return giniOf(labels, left) + giniOf(labels, right);
  });
  const isFirst =
    ours.splitColumn! < theirs.splitColumn! ||
    (ours.splitColumn === theirs.splitColumn && ours.splitValue! < theirs.splitValue!);
  return isFirst && Math.abs(mine! - other!) < 1e-12 * rows.length ? 'tied' : 'otherwise';
}

describe('fitTree and ml-cart, where no value occurs twice', () => {
  it('make the same tree, node for node, but among equal gains', () => {
    const found = { same: 0, tied: 0, stopped: 0, otherwise: 0 };
    for (const seed of upTo(SETS)) {
      const { rows, labels, kinds, knobs } = dataSet(seed + 1);
      const matrix = matrixFrom(rows, labels.map(String));
      const ours = parsedTree(fitTree(matrix, upTo(kinds).map(String), knobs));
      const trainer = new DecisionTreeClassifier(optionsOf(knobs));
      trainer.train(rows, labels);
      const theirs = parsed(trainer);
      const columns = [...matrix.columns];
      const difference = firstDifference(ours.root, theirs.root, columns, matrix.rows);
      const isSame = canonicalJson(ours) === canonicalJson(theirs);
      expect(isSame).toBe(difference === null);
      found[difference === null ? 'same' : reasonOf(difference, columns, labels)]++;
    }
    expect(found).toEqual({ same: 575, tied: 25, stopped: 0, otherwise: 0 });
  });

  it('make a leaf only there of a node whose gain happens to be that of its parent', () => {
    const labels = [1, 0, 1, 1, 0, 0, 1, 0];
    const rows = labels.map((_, i) => [i]);
    const knobs = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };
    const trainer = new DecisionTreeClassifier(optionsOf(knobs));
    trainer.train(rows, labels);
    expect(trainer.predict(rows)).not.toEqual(labels);
    const matrix = matrixFrom(rows, labels.map(String));
    const ours = parsedTree(fitTree(matrix, ['0', '1'], knobs));
    expect(DecisionTreeClassifier.load(ours).predict(rows)).toEqual(labels);
    const difference = firstDifference(ours.root, parsed(trainer).root, [...matrix.columns], 8);
    expect(reasonOf(difference!, [...matrix.columns], labels)).toBe('stopped');
  });
});

describe('fitRegression and ml-cart, where no value occurs twice', () => {
  it('make the same tree, node for node', () => {
    for (const seed of upTo(SETS)) {
      const { rows, targets, knobs } = dataSet(seed + 1);
      // ml-cart never cuts two rows apart: the error that leaves is 0, which it takes for no gain.
      const few = { ...knobs, min_samples_split: Math.max(3, knobs.min_samples_split) };
      const ours = parsedTree(fitRegression(matrixFrom(rows, []), Float64Array.from(targets), few));
      const ascending = upTo(rows.length).sort((a, b) => targets[a]! - targets[b]!);
      const trainer = new DecisionTreeRegression(optionsOf(few));
      trainer.train(
        ascending.map((row) => rows[row]!),
        ascending.map((row) => targets[row]!),
      );
      expect(canonicalJson(ours)).toBe(canonicalJson(parsed(trainer)));
    }
  });
});
