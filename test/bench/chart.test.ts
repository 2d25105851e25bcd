import { describe, expect, it } from 'vitest';
import { drawChart } from '../../bench/chart.ts';
import { growthOf } from '../../bench/growth.ts';

const chart = {
  title: 'a < b & c',
  x: 'rows',
  y: 'seconds',
  lines: [
    { name: 'ours', points: [[1000, 0.01] as const, [100_000, 1] as const] },
    { name: 'theirs', points: [[1000, 0.1] as const] },
  ],
};

describe('a chart', () => {
  it('puts equal ratios at equal distances, and every point within its frame', () => {
    const svg = drawChart(chart);
    const lines = [...svg.matchAll(/<polyline points="([^"]*)"/g)].map((match) => match[1]);
    const [ours = '', theirs = ''] = lines;
    const [first, last] = ours.split(' ').map((point) => point.split(',').map(Number));
    // From the lowest left corner to the highest right one, both axes being two decades long.
    expect([first, last]).toEqual([
      [64, 352],
      [490, 60],
    ]);
    expect(theirs).toBe('64,206');
  });

  it('escapes its words', () => {
    expect(drawChart(chart)).toContain('a &lt; b &amp; c');
  });
});

describe('growth', () => {
  it('is the power of n that times follow, from ten thousand rows on', () => {
    const squares = [1000, 10_000, 100_000].map((n) => [n, n === 1000 ? 9 : n * n] as const);
    expect(growthOf([...squares, [1_000_000, null]])).toBeCloseTo(2);
    expect(growthOf(squares.slice(0, 2))).toBeNull();
  });
});
