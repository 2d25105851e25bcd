import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CellReader } from '../../pipeline/csv/cell-reader.ts';
import { isMissing, looksNumeric, missingWords, numberOf } from '../../pipeline/csv/cells.ts';
import { RowHash } from '../../pipeline/batches/row-hash.ts';
import { splitPoint } from '../../pipeline/batches/split.ts';
import { WordTable } from '../../pipeline/csv/word-table.ts';

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
        const plain = cells.isPlainNumber(bytes);
        const sure = cells.isSurelyNumber(bytes, 1, bytes.length - 1);
        expect(sure && !plain).toBe(false);
        cells.isMissing(bytes, 1, bytes.length - 1);
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

describe('CellReader on decimals of many digits', () => {
  const cells = new CellReader(['']);
  const read = (text: string): { value: number; printed: string | undefined } | undefined => {
    const bytes = Buffer.from(text);
    if (!cells.isSurelyNumber(bytes, 0, bytes.length)) return undefined;
    const { value, canonicalEnd: end } = cells;
    return { value, printed: end < 0 ? undefined : bytes.toString('latin1', 0, end) };
  };
  /** Floats as they print, with digits changed, added and taken away, and some next to powers of two. */
  const close = fc
    .tuple(
      fc.oneof(
        fc.double({ min: -1e5, max: 1e5, noNaN: true }),
        fc
          .tuple(fc.integer({ min: -18, max: 40 }), fc.integer({ min: -2, max: 2 }))
          .map(([power, steps]) => 2 ** power * (1 + steps * Number.EPSILON)),
      ),
      fc.nat(2),
      fc.constantFrom('', '0', '00', '5', '49999', '500001'),
    )
    .map(([value, fewer, more]) => String(value).slice(0, fewer > 0 ? -fewer : undefined) + more);
  /** Halfway between two floats, where rounding is hardest, and next to that. */
  const halfway = fc
    .tuple(fc.nat(2 ** 40), fc.constantFrom('25', '75'), fc.constantFrom('', '1', '000000001'))
    .map(([more, half, rest]) => `${2 ** 51 + more}.${half}${rest}`);

  it('are the nearest float64, and known to print so only if they do', () => {
    fc.assert(
      fc.property(fc.oneof(close, halfway), (text) => {
        const found = read(text);
        if (found === undefined) return;
        expect(found.value).toBe(Number(text));
        expect([undefined, String(Number(text))]).toContain(found.printed);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    '0.1234567890123456',
    '123.45678901234567',
    '-987.6543210987654',
    '9007199254740991.0',
    '562.3712894519387',
  ])('reads %s without text, and knows how it prints', (text) => {
    const printed = String(Number(text));
    expect(read(text)).toEqual({
      value: Number(text),
      printed: text.endsWith('.0') ? undefined : printed,
    });
  });

  it.each(['4503599627370496.5', '4503599627370497.5', '9007199254740993', '0.1e5'])(
    'leaves %s to those who read text',
    (text) => expect(read(text)).toBeUndefined(),
  );
});

describe('RowHash', () => {
  it('gives the point of numbers that stand side by side in their source', () => {
    const hash = new RowHash();
    const number = fc.integer({ min: -999, max: 999 }).map((value) => value / 10);
    const cellOf = fc.record({ value: fc.option(number), more: fc.constantFrom('', '0', ' ') });
    fc.assert(
      fc.property(fc.array(cellOf), fc.constantFrom(',', ';'), (cells, delimiter) => {
        const line = cells.map(({ value, more }) => (value === null ? '' : `${value}${more}`));
        const bytes = Buffer.from(line.join(delimiter));
        hash.begin();
        let at = 0;
        for (const [i, { value }] of cells.entries()) {
          if (value === null) hash.missing();
          else hash.canonicalNumber(bytes, at, at + String(value).length);
          at += line[i]!.length + 1;
        }
        expect(hash.point()).toBe(splitPoint(cells.map(({ value }) => value)));
      }),
      { numRuns: 500 },
    );
  });

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
