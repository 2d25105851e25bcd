import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonScanner } from '../../../../pipeline/models/cart/json-scanner.ts';
import { upTo } from '../trees.ts';

it('tells words apart that begin alike and are kept in the same place', () => {
  const letters = upTo(26).map((i) => String.fromCodePoint(97 + i));
  // Of so many words, some are kept where the short one is.
  for (const first of letters)
    for (const second of letters) {
      const [long, short] = [`k${first}${second}`, 'k'];
      const scanner = new JsonScanner([Buffer.from(`"${long}" "${short}" "${long}"`)]);
      expect([scanner.word(), scanner.word(), scanner.word()]).toEqual([long, short, long]);
    }
});

it('reads each number, with the exponent in small or capital letters', () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(number, fc.boolean(), (value, isCapital) => {
      const small = JSON.stringify(value);
      const text = isCapital ? small.toUpperCase() : small;
      const scanner = new JsonScanner([Buffer.from(`[${text}, ${text}]`)]);
      scanner.expect('[');
      expect(scanner.number()).toBe(value + 0);
      scanner.expect(',');
      scanner.skip();
      expect(scanner.takes(']')).toBe(true);
    }),
  );
});
