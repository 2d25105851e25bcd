import { describe, expect, it } from 'vitest';
import { argsort, sortScratch } from '../../pipeline/argsort.ts';
import { seeded, upTo } from './models/trees.ts';

const random = seeded(11);
const many = 3000;
const from = (value: (i: number) => number): Float64Array =>
  Float64Array.from({ length: many }, (_, i) => value(i));

describe('argsort', () => {
  it.each<[string, Float64Array]>([
    ['spread evenly', from(() => random())],
    ['of either sign', from(() => random() * 1e9 - 5e8)],
    ['of a few kinds', from(() => Math.floor(random() * 7) - 3)],
    ['of all magnitudes', from(() => (random() - 0.5) * 10 ** (600 * random() - 300))],
    ['close together far from 0', from(() => 1e15 + Math.floor(random() * 4000))],
    ['that differ in their last digits only', from(() => 1 + random() * 1e-12)],
    ['close together but for one', from((i) => (i === 9 ? 1e300 : random()))],
    ['whose range is no float64', from(() => (random() < 0.5 ? -1 : 1) * Number.MAX_VALUE)],
    ['below the least normal one', from(() => Math.floor(random() * 9) * Number.MIN_VALUE)],
    ['all equal', from(() => 3)],
    ['of either zero', from((i) => (i % 2 === 0 ? 0 : -0))],
  ])('sorts values %s, equal ones as they come', (_name, values) => {
    const rows = Int32Array.from(upTo(many).reverse());
    const scratch = sortScratch(many);
    const order = argsort(values, rows, scratch);
    const valueOf = (i: number): number => values[rows[i]!]!;
    const expected = upTo(many).sort((a, b) => valueOf(a) - valueOf(b) || a - b);
    expect([...order]).toEqual(expected);
    const hasEqual = new Set([...values].map((value) => value + 0)).size < many;
    // It may be said of values that all differ, and only costs time then.
    expect(scratch.hasEqual || !hasEqual).toBe(true);
  });
});
