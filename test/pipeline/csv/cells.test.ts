import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CellRule,
  classifyBytes,
  looksNumeric,
  NUMERIC,
  parseNumber,
  UNCERTAIN,
} from '../../../pipeline/csv/cells.ts';

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
  fc.constantFrom('0.000001', '-0', '00', '1.', '.5', '9007199254740993', '9'.repeat(310)),
  fc.string({ unit: 'grapheme' }),
);

describe('CellRule', () => {
  const rule = new CellRule({ missing: MISSING });

  it.each([
    ['5.10', 5.1],
    [' 12\t', 12],
    ['-0', 0],
    ['00123', 123],
    ['.5', 0.5],
    ['+1e-3', 0.001],
    ['', null],
    [' NA ', null],
    ['-9', null],
    ['\u00a0n/é\ufeff', null],
    ['-9.0', null],
    ['-9e0', null],
    ['-9.5', -9.5],
    ['0x10', undefined],
    ['Infinity', undefined],
    ['1e999', undefined],
    ['1_000', undefined],
    ['nan', undefined],
  ])('reads %j in a column of numbers as %j', (text, value) => {
    expect(rule.readNumber(text)).toBe(value);
  });

  it.each([
    [' a b ', 'a b'],
    ['na', 'na'],
    ['?', null],
    [' \n', null],
  ])('reads %j in a column of words as %j', (text, word) => {
    expect(rule.readWord(text)).toBe(word);
  });

  it('reads an empty cell as a word where it does not mean "not known"', () => {
    expect(new CellRule({ missing: ['NA'] }).readWord(' ')).toBe('');
    expect(new CellRule({ missing: ['NA'] }).readNumber(' ')).toBeUndefined();
  });
});

describe('classifyBytes', () => {
  const classify = (text: string): number => {
    const bytes = Buffer.from(`<${text}>`);
    return classifyBytes(bytes, 1, bytes.length - 1);
  };

  it('says of bytes only what the text says too', () => {
    fc.assert(
      fc.property(cell, (text) => {
        const found = classify(text);
        expect(found === UNCERTAIN || parseNumber(text) !== null).toBe(true);
        expect(found !== NUMERIC || looksNumeric(text)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it.each(['0', '5.1', '-12', '0.000123', '123456789.25', '0.1234567890123456'])(
    'is certain of %s',
    (text) => expect(classify(text)).toBe(NUMERIC),
  );
});
