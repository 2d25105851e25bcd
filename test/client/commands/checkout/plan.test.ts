import { describe, expect, it } from 'vitest';
import { planCheckout, type FoundFile } from '../../../../client/commands/checkout/plan.ts';

const wanted = (files: Record<string, string>): Map<string, { ref: { sha256: string } }> =>
  new Map(Object.entries(files).map(([path, sha256]) => [path, { ref: { sha256 } }]));
const found = (files: Record<string, FoundFile>): Map<string, FoundFile> =>
  new Map(Object.entries(files));

describe('a checkout', () => {
  it('writes what is not there and keeps what is right', () => {
    const plan = planCheckout(
      wanted({ a: '1', b: '2' }),
      [],
      found({ a: { sha256: '1', known: false } }),
    );
    expect(plan).toEqual({ write: ['b'], keep: ['a'], remove: [], edited: [] });
  });

  it('overwrites what it brought before, and calls anything else edited', () => {
    const plan = planCheckout(
      wanted({ a: '1', b: '2' }),
      ['a', 'b'],
      found({ a: { sha256: '0', known: true }, b: { sha256: 'x', known: false } }),
    );
    expect(plan).toEqual({ write: ['a', 'b'], keep: [], remove: [], edited: ['b'] });
  });

  it('removes what only an earlier version had, unless it was edited or is gone', () => {
    const plan = planCheckout(
      wanted({ a: '1' }),
      ['a', 'old', 'edited', 'gone'],
      found({
        a: { sha256: '1', known: true },
        old: { sha256: '3', known: true },
        edited: { sha256: 'x', known: false },
      }),
    );
    expect(plan).toEqual({
      write: [],
      keep: ['a'],
      remove: ['old', 'edited'],
      edited: ['edited'],
    });
  });
});
