import { describe, expect, it } from 'vitest';
import { sortBlock } from '../../../../pipeline/models/cart/block.ts';
import { makeCriterion } from '../../../../pipeline/models/cart/criteria.ts';
import { enterLevel, findLevel, makeLevels } from '../../../../pipeline/models/cart/level.ts';
import { makeRootTask } from '../../../../pipeline/models/cart/task.ts';
import { upTo } from '../trees.ts';

/** The levels of a tree over one column. All values differ if there are as many as rows; otherwise it is coded. */
function levelsOf({ rows, values = rows, maxDepth = Infinity }: Record<string, number>) {
  const column = Float64Array.from(upTo(rows!), (row) => row % values!);
  const targets = Float64Array.from(column);
  const limits = { maxDepth, minSplit: 2, minLeaf: 1, minDrop: 0 };
  const { counter, listed } = makeCriterion(0, rows!, limits);
  const block = sortBlock([column], targets, listed, counter.width);
  return makeLevels(block, counter, listed, maxDepth);
}

// The result of a fit does not depend on levels. Its time does: these sizes were chosen by measurements.
describe('the levels of a tree', () => {
  it.each([
    ['a small table', { rows: 2048 }, ['2048 sorted']],
    ['a table of middle size', { rows: 32_768 }, ['32768 sorted', '2048 sorted']],
    ['a large table', { rows: 40_000 }, ['40000 sorted', '32768 sorted', '2048 sorted']],
    [
      'a table of middle size whose column has few values',
      { rows: 32_768, values: 8 },
      ['32768 counted', '32768 sorted', '2048 sorted'],
    ],
    [
      'a large table whose column has few values',
      { rows: 40_000, values: 8, maxDepth: 9 },
      ['40000 counted', '32768 counted', '32768 sorted', '2048 sorted'],
    ],
    [
      'such a table, for a shallow tree',
      { rows: 40_000, values: 8, maxDepth: 8 },
      ['40000 counted', '32768 sorted', '2048 sorted'],
    ],
  ])('of %s fit the caches of a processor', (_, table, sizes) => {
    const levels = levelsOf(table);
    expect(
      levels.map(
        ({ block, counter }) => `${block.rows} ${counter === null ? 'sorted' : 'counted'}`,
      ),
    ).toEqual(sizes);
  });

  it.each([
    [32_769, 0, 0],
    [32_768, 0, 1],
    [2049, 0, 1],
    [2048, 0, 2],
    [2048, 1, 2],
    [2, 2, 2],
  ])('put a node of %i rows, from level %i, into level %i', (rows, from, into) => {
    expect(findLevel(levelsOf({ rows: 40_000 }), from, rows, [0])).toBe(into);
  });

  it.each([
    ['is counted while that costs less', 8, 5000, 1],
    ['is sorted when it has fewer rows than values', 5000, 3000, 2],
    ['is counted from 48 rows on', 8, 48, 1],
    ['is sorted when it is smaller', 8, 47, 3],
  ])('with counts: a node %s', (_, values, rows, into) => {
    expect(findLevel(levelsOf({ rows: 40_000, values }), 0, rows, [0])).toBe(into);
  });

  it('move a node only if it changes its level', () => {
    const levels = levelsOf({ rows: 40_000 });
    const root = makeRootTask(0, levels[0]!.block);
    expect(enterLevel(levels, root)).toBe(root);
    const moved = enterLevel(levels, { ...root, start: 100, end: 2148 });
    expect(moved).toMatchObject({ level: 2, start: 0, end: 2048 });
    expect([...levels[2]!.block.ids.subarray(0, 2)]).toEqual([100, 101]);
  });
});
