import { describe, expect, it } from 'vitest';
import { nameColumnParam, quote, quoteList } from '../../../pipeline/csv/quote.ts';

describe('texts in messages', () => {
  it.each([
    ['say "hi"\n', '"say \\"hi\\"\\n"'],
    ['x'.repeat(40), `"${'x'.repeat(40)}"`],
    ['x'.repeat(41), `"${'x'.repeat(40)}…"`],
    ['\u{1f600}'.repeat(40), `"${'\u{1f600}'.repeat(40)}"`],
    ['\u{1f600}'.repeat(41), `"${'\u{1f600}'.repeat(40)}…"`],
  ])('are quoted, on one line, and cut after 40 characters: %j', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it('are listed up to ten, and past them only counted', () => {
    const names = Array.from({ length: 12 }, (_, i) => `c${i}`);
    const ten = '"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"';
    expect(quoteList(names.slice(0, 2))).toBe('"c0", "c1"');
    expect(quoteList(names.slice(0, 10))).toBe(ten);
    expect(quoteList(names)).toBe(`${ten} and 2 more`);
  });

  it('name the param of a column, cut after 100 characters', () => {
    expect(nameColumnParam('x'.repeat(100))).toBe(`data.columns.${'x'.repeat(100)}`);
    expect(nameColumnParam('\u{1f600}'.repeat(101))).toBe(
      `data.columns.${'\u{1f600}'.repeat(100)}…`,
    );
  });
});
