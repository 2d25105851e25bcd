import { Buffer } from 'node:buffer';
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
