import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VersionSet } from '../../store/version-set.ts';

function setOf(...versions: number[]): VersionSet {
  const set = new VersionSet();
  for (const version of versions) set.add(version);
  return set;
}

describe('a set of versions', () => {
  it('reads as ranges', () => {
    expect(String(setOf(1, 2, 3, 5, 8, 7))).toBe('1–3, 5, 7–8');
    expect(String(setOf())).toBe('');
    expect(String(VersionSet.of([2, 1, 4]))).toBe('1–2, 4');
  });

  it('joins two ranges when the number between comes', () => {
    expect(String(setOf(1, 3, 2))).toBe('1–3');
  });

  it('is a set, ascending, in every order of the numbers', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), (versions) => {
        const expected = [...new Set(versions)].sort((a, b) => a - b);
        expect([...setOf(...versions)]).toEqual(expected);
      }),
    );
  });
});
