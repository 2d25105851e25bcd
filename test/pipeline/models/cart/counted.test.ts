import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { isCoded, sortBlock, type Targets } from '../../../../pipeline/models/cart/block.ts';
import { makeCriterion } from '../../../../pipeline/models/cart/criteria.ts';
import { growTree } from '../../../../pipeline/models/cart/grow-tree.ts';
import type { GrowthLimits } from '../../../../pipeline/models/cart/task.ts';
import { nearlyTied, numbersFrom, seeded, upTo } from '../trees.ts';

/** A column of values that all differ, or of few values, which may be skewed. */
const column = fc.record({
  values: fc.integer({ min: 1, max: 400 }),
  skew: fc.constantFrom(1, 4),
  scale: fc.constantFrom(1, 1 / 3, -1e-9, 1e12),
  isDistinct: fc.nat(4).map((n) => n === 0),
});

const table = fc.record({
  rows: fc.integer({ min: 2048, max: 5000 }),
  columns: fc.array(column, { minLength: 1, maxLength: 4 }),
  isRepeated: fc.boolean(),
  classes: fc.constantFrom(1, 2, 5, 40),
  numbers: fc.constantFrom(...Object.keys(numbersFrom)),
  seed: fc.nat(1e6),
});

const limits = fc.record({
  maxDepth: fc.constantFrom(3, 6, Infinity),
  minSplit: fc.constantFrom(2, 50),
  minLeaf: fc.constantFrom(1, 7),
  minDrop: fc.constantFrom(0, 0.01),
});

function drawTable(drawn: typeof table extends fc.Arbitrary<infer T> ? T : never) {
  const random = seeded(drawn.seed);
  const columns = drawn.columns.map(({ values, skew, scale, isDistinct }) =>
    Float64Array.from({ length: drawn.rows }, () => {
      const at = random();
      return isDistinct ? at : Math.floor(at ** skew * values) * scale;
    }),
  );
  // The same cuts twice, so that features tie.
  if (drawn.isRepeated) columns.push(columns[0]!.map((value) => -value));
  const labels = Uint8Array.from({ length: drawn.rows }, (_, row) =>
    random() < 0.3
      ? Math.floor(random() * drawn.classes)
      : Math.abs(Math.floor(columns[0]![row]!)) % drawn.classes,
  );
  const numbers = Float64Array.from({ length: drawn.rows }, (_, row) =>
    numbersFrom[drawn.numbers]!(columns[0]![row]!, random(), row),
  );
  return { columns, labels, numbers };
}

/** Every array of a tree over these rows. */
function grow(
  columns: readonly Float64Array[],
  targets: Targets,
  classes: number,
  growth: GrowthLimits,
  isCounted: boolean,
) {
  const criterion = makeCriterion(classes, targets.length, growth);
  const { listed, counter } = criterion;
  // So many counts per value that no column is coded.
  const width = isCounted ? counter.width : Infinity;
  const block = sortBlock(columns, targets, listed, width);
  const tree = growTree(columns, block, criterion, growth);
  return { isCoded: isCoded(block), nodes: listNodes(tree) };
}

/** The nodes of a tree, each before those below it, the left ones first: their numbers depend on who grew them. */
function listNodes(tree: ReturnType<typeof growTree>) {
  const nodes: unknown[] = [];
  const todo = [0];
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    const { features, thresholds, gains, rows, lefts, values, shares } = tree;
    const split = [features[node], thresholds[node], gains[node]];
    nodes.push([...split, rows[node], lefts[node] === 0, values[node], shares.get(node)]);
    if (lefts[node] !== 0) todo.push(lefts[node]! + 1, lefts[node]!);
  }
  return nodes;
}

it('a tree whose nodes are counted by value has the same bits as one whose nodes are sorted', () => {
  let counted = 0;
  fc.assert(
    fc.property(table, limits, (drawn, growth) => {
      const { columns, labels, numbers } = drawTable(drawn);
      for (const [targets, classes] of [
        [labels, drawn.classes],
        [numbers, 0],
      ] as const) {
        const one = grow(columns, targets, classes, growth, true);
        const other = grow(columns, targets, classes, growth, false);
        expect(other.isCoded).toBe(false);
        expect(one.nodes).toEqual(other.nodes);
        if (one.isCoded) counted++;
      }
    }),
    { numRuns: 25 },
  );
  expect(counted).toBeGreaterThan(10);
});

it('a tree over many rows of few values, some columns sorted and some counted, has the same bits too', () => {
  const rows = 70_000;
  const random = seeded(5);
  const columns = upTo(5).map((c) =>
    Float64Array.from({ length: rows }, () => {
      const at = random();
      return c === 2 ? at : Math.floor(at ** (c + 1) * 300);
    }),
  );
  const labels = Uint8Array.from(columns[0]!, (x) =>
    random() < 0.1 ? Math.floor(random() * 4) : Math.floor(x / 75),
  );
  const numbers = Float64Array.from(columns[0]!, (x, row) => x + columns[1]![row]! * random());
  const growth = { maxDepth: 14, minSplit: 2, minLeaf: 1, minDrop: 0 };
  for (const [targets, classes] of [
    [labels, 4],
    [numbers, 0],
  ] as const)
    expect(grow(columns, targets, classes, growth, true).nodes).toEqual(
      grow(columns, targets, classes, growth, false).nodes,
    );
});

it('a sorted column without a good cut in a counted node is tried again below it', () => {
  const rows = 4096;
  // The two rows of each value of the second column have opposite targets, until the first column parts them.
  const columns = [
    Float64Array.from(upTo(rows), (row) => row % 2),
    Float64Array.from(upTo(rows), (row) => row >> 1),
  ];
  const numbers = Float64Array.from(
    upTo(rows),
    (row) => (row % 2 === 0 ? 1 : -1) * (row < rows / 2 ? 1 : 3),
  );
  const growth = { maxDepth: 9, minSplit: 2, minLeaf: 1, minDrop: 0 };
  const { isCoded: isCounted, nodes } = grow(columns, numbers, 0, growth, true);
  expect(isCounted).toBe(true);
  expect(nodes).toHaveLength(7);
  expect(nodes).toEqual(grow(columns, numbers, 0, growth, false).nodes);
});

it('a counted node of classes is cut at the first of equal cuts', () => {
  // One class has the first and the last third of the values.
  const columns = [Float64Array.from(upTo(4200), (row) => row % 3)];
  const labels = Uint8Array.from(columns[0]!, (value) => value % 2);
  const growth = { maxDepth: 1, minSplit: 2, minLeaf: 1, minDrop: 0 };
  const { isCoded: isCounted, nodes } = grow(columns, labels, 2, growth, true);
  expect(isCounted).toBe(true);
  expect(nodes[0]).toEqual(expect.arrayContaining([0.5]));
  expect(nodes).toEqual(grow(columns, labels, 2, growth, false).nodes);
});

it.each([
  ['left', (value: number) => value],
  ['right', (value: number) => -value],
])('a counted node leaves min_samples_leaf rows on the %s', (_, turn) => {
  // Five rows at one end differ from the others in their target.
  const values = Float64Array.from(upTo(3000), (row) => turn(row < 5 ? 0 : 1 + (row % 3)));
  const labels = Uint8Array.from(upTo(3000), (row) => (row < 5 ? 1 : 0));
  const numbers = Float64Array.from(labels);
  // If two columns tie, their rows are scanned too.
  for (const columns of [[values], [values, values]])
    for (const [targets, classes] of [
      [labels, 2],
      [numbers, 0],
    ] as const) {
      const thresholdWith = (minLeaf: number): unknown => {
        const growth = { maxDepth: 1, minSplit: 2, minLeaf, minDrop: 0 };
        const { isCoded: isCounted, nodes } = grow(columns, targets, classes, growth, true);
        expect(isCounted).toBe(true);
        expect(nodes).toEqual(grow(columns, targets, classes, growth, false).nodes);
        return (nodes[0] as unknown[])[1];
      };
      expect([thresholdWith(5), thresholdWith(6)]).toEqual([turn(0.5), turn(1.5)]);
    }
});

it('a counted node is split for more than min_gain, to the last bit of its gain', () => {
  const random = seeded(8);
  for (const name of Object.keys(numbersFrom)) {
    const values = Float64Array.from(upTo(3000), () => Math.floor(random() * 20));
    const numbers = values.map((value, row) => numbersFrom[name]!(value, random(), row));
    const isSplit = (minDrop: number, isCounted: boolean): boolean =>
      grow([values], numbers, 0, { maxDepth: 1, minSplit: 2, minLeaf: 1, minDrop }, isCounted).nodes
        .length > 1;
    const [below, gain] = lastBelow((minDrop) => isSplit(minDrop, false));
    expect([isSplit(below, true), isSplit(gain, true)]).toEqual([true, false]);
  }
});

/** The largest number for which something holds, and the next one. It holds for 0, and not for large numbers. */
function lastBelow(holds: (value: number) => boolean): [number, number] {
  const value = (bits: bigint): number => new Float64Array(BigInt64Array.of(bits).buffer)[0]!;
  let [least, most] = [0n, 0x7fe0_0000_0000_0000n];
  while (most - least > 1n) {
    const middle = (least + most) / 2n;
    if (holds(value(middle))) least = middle;
    else most = middle;
  }
  return [value(least), value(most)];
}

it('two rows that leave a counted node are parted by the first feature in which they differ', () => {
  const rows = 4096;
  const columns = [
    Float64Array.from(upTo(rows), (row) => (row < 2 ? 1 : 0)),
    Float64Array.from(upTo(rows), (row) => row % 2),
  ];
  const labels = Uint8Array.from(upTo(rows), (row) => (row < 2 ? row + 1 : 0));
  const growth = { maxDepth: 9, minSplit: 2, minLeaf: 1, minDrop: 0 };
  const { isCoded: isCounted, nodes } = grow(columns, labels, 3, growth, true);
  expect(isCounted).toBe(true);
  expect(nodes).toHaveLength(5);
  expect(nodes).toEqual(grow(columns, labels, 3, growth, false).nodes);
});

it('the best cut of a counted node is found after as many that nearly tie with it as are kept', () => {
  const { values, targets } = nearlyTied(16);
  const growth = { maxDepth: 1, minSplit: 2, minLeaf: 1, minDrop: 0 };
  const { isCoded: isCounted, nodes } = grow([values], targets, 0, growth, true);
  expect(isCounted).toBe(true);
  expect(nodes[0]).toEqual(expect.arrayContaining([257.5]));
  expect(nodes).toEqual(grow([values], targets, 0, growth, false).nodes);
});
