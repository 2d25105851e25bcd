import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellReader } from '../../pipeline/cell-reader.ts';
import { isMissing, looksNumeric, missingWords, numberOf } from '../../pipeline/cells.ts';
import { RowHash } from '../../pipeline/row-hash.ts';
import { splitPoint } from '../../pipeline/split.ts';
import { WordTable } from '../../pipeline/word-table.ts';

const MISSING = ['', 'NA', '-9', ' ? ', 'n/é'];

const digits = fc.string({ unit: fc.integer({ min: 0, max: 9 }).map(String), maxLength: 18 });
const spelling = fc
  .tuple(
    fc.constantFrom('', '-', '+', ' ', '\u00a0', '-0'),
    digits,
    fc.constantFrom('', '.', '.0', '.00', 'e5', 'x'),
    digits,
    fc.constantFrom('', '', '', ' ', 'e-3', '\ufeff'),
  )
  .map((parts) => parts.join(''));
const cell = fc.oneof(
  { weight: 4, arbitrary: spelling },
  fc.double({ noDefaultInfinity: true, noNaN: true }).map(String),
  fc.integer({ min: -99, max: 99 }).map((value) => String(value / 100)),
  fc.constantFrom(
    ...MISSING,
    ' NA ',
    '0.000001',
    '0.0000001',
    '-0',
    '00',
    '1.',
    '.5',
    '999999999999999',
  ),
  fc.string({ unit: 'grapheme' }),
);

describe('CellReader', () => {
  it('reads from bytes what cells.ts reads from text', () => {
    const cells = new CellReader(MISSING);
    const missing = missingWords(MISSING);
    fc.assert(
      fc.property(cell, (text) => {
        const bytes = Buffer.from(`<${text}>`);
        expect(cells.isMissing(bytes, 1, bytes.length - 1)).toBe(isMissing(text, missing));
        expect(cells.text(bytes)).toBe(Buffer.from(text.trim()).toString());
        if (!cells.isPlainNumber(bytes)) return;
        expect(cells.value).toBe(numberOf(text));
        expect(looksNumeric(text)).toBe(!cells.padded);
        const printed = JSON.stringify(cells.value);
        const { start, canonicalEnd: end } = cells;
        const isRight =
          end < 0 ? text.trim() !== printed : bytes.toString('utf8', start, end) === printed;
        expect(isRight).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('reads nearly every number at once', () => {
    const cells = new CellReader([]);
    for (const text of ['0', '5.1', '-12', '0.000123', '123456789.25', ' 007 ']) {
      const bytes = Buffer.from(text);
      cells.isMissing(bytes, 0, bytes.length);
      expect(cells.isPlainNumber(bytes)).toBe(true);
    }
  });
});

describe('RowHash', () => {
  it('gives the point of the cells it is told', () => {
    const hash = new RowHash();
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u2028', '😀', 'a') }),
      fc.constant('long '.repeat(2000)),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(value), fc.boolean(), (cells, asBytes) => {
        hash.begin();
        for (const one of cells) {
          const bytes = Buffer.from(String(one));
          if (one === null) hash.missing();
          else if (typeof one === 'string') hash.word(bytes, 0, bytes.length);
          else if (asBytes) hash.canonicalNumber(bytes, 0, bytes.length);
          else hash.number(one);
        }
        expect(hash.point()).toBe(
          splitPoint(
            cells.map((one) => (typeof one === 'string' ? Buffer.from(one).toString() : one)),
          ),
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('WordTable', () => {
  it('numbers words in the order they are met', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 3 }), { maxLength: 300 }),
        (words) => {
          const table = new WordTable();
          const spelt = words.map((word) => Buffer.from(word));
          const codes = spelt.map((bytes) => table.codeOf(bytes, 0, bytes.length));
          const met = [...new Set(spelt.map(String))];
          expect(table.size).toBe(met.length);
          expect(met.map((_, code) => table.word(code))).toEqual(met);
          expect(codes).toEqual(spelt.map((bytes) => met.indexOf(String(bytes))));
        },
      ),
    );
  });
});
