import { describe, expect, it } from 'vitest';
import { drawChart } from '../../bench/chart.ts';
import { growthOf } from '../../bench/measure.ts';

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
  it('puts equal ratios at equal distances', () => {
    const places = [
      ...drawChart(chart).matchAll(/<circle fill="[^"]+" r="3" cy="([\d.]+)" cx="([\d.]+)"/g),
    ];
    const [low, high, middle] = places.map(([, y, x]) => ({ x: Number(x), y: Number(y) }));
    expect(high!.x).toBeGreaterThan(low!.x);
    expect(high!.y).toBeLessThan(low!.y);
    expect(middle!.x).toBeCloseTo(low!.x);
    expect(middle!.y).toBeCloseTo((low!.y + high!.y) / 2);
  });

  it('is the same text for the same points', () => {
    expect(drawChart(chart)).toBe(drawChart(chart));
  });

  it('escapes its words', () => {
    expect(drawChart(chart)).toContain('a &lt; b &amp; c');
  });
});

describe('growth', () => {
  it('is the power of n with which times grow, from ten thousand rows on', () => {
    const squares = [1000, 10_000, 100_000].map((n) => [n, n === 1000 ? 9 : n * n] as const);
    expect(growthOf([...squares, [1_000_000, null]])).toBeCloseTo(2);
    expect(growthOf(squares.slice(0, 2))).toBeNull();
  });
});
