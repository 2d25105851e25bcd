import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration, wrapped } from '../../client/format.ts';

describe('wrapped', () => {
  it('keeps every word, in order, in lines that fit', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.integer({ min: 12, max: 40 }), (parts, width) => {
        const lines = wrapped(parts.join(' '), width);
        expect(lines.join(' ')).toBe(parts.join(' '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('duration', () => {
  it.each([
    [7, '7 ms'],
    [1_240, '1.2 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [12 * 3_600_000, '12 h'],
    [3_600_000 + 90_000, '1 h 2 min'],
  ])('of %d ms is %s', (ms, said) => {
    expect(duration(ms)).toBe(said);
  });
});
