import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CellRule,
  classifyBytes,
  looksNumeric,
  NUMBER,
  NUMERIC,
  parseNumber,
  readCellSettings,
  UNCERTAIN,
} from '../../../pipeline/csv/cells.ts';
import type { DatePart } from '../../../contract/defaults.ts';
import { findDatePart, formatDays, parseDate, toDays } from '../../../pipeline/csv/dates.ts';
import { readCellCases } from '../../support/cell-cases.ts';

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
  const { settings, cells, formats, dates, date_parts } = readCellCases();
  const rule = new CellRule(settings);

  it('has several hundred cases', () => expect(cells.length).toBeGreaterThan(400));

  it.each(cells)(
    'reads %j as %j in a column of numbers, and as %j among words',
    (text, number, word) => {
      const value = rule.readNumber(text);
      expect(value === null ? 'missing' : (value ?? 'not a number')).toBe(number);
      expect(rule.readWord(text)).toBe(word);
    },
  );

  it.each(formats)('reads numbers that are written as %j says', (format, texts) => {
    const other = new CellRule(format);
    for (const [text, number] of texts) {
      const value = other.readNumber(text);
      expect([text, value === null ? 'missing' : (value ?? 'not a number')]).toEqual([
        text,
        number,
      ]);
      expect([text, other.looksNumeric(text)]).toEqual([text, typeof number === 'number']);
      const bytes = Buffer.from(text);
      const found = other.classify(bytes, 0, bytes.length);
      expect(found === UNCERTAIN || typeof number === 'number').toBe(true);
    }
  });

  it.each(dates)('reads %j as %j days in a column of dates', (text, days) => {
    const value = rule.readDate(text);
    expect(value === null ? 'missing' : (value ?? 'not a date')).toBe(days);
  });

  it.each(date_parts)('finds the parts of %s', (text, parts) => {
    const days = parseDate(text)!;
    const found = Object.keys(parts).map((part) => [part, findDatePart(days, part as DatePart)]);
    expect(Object.fromEntries(found)).toEqual(parts);
  });

  it('writes dates as they are read', () => {
    for (const text of ['2024-02-29', '1969-12-31T23:59', '0001-01-01'])
      expect(formatDays(parseDate(text)!)).toBe(text);
  });

  it('gives a point in time the same days as its text', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (time) => {
          expect(toDays(time)).toBe(parseDate(time.toISOString()));
        },
      ),
    );
  });

  it('takes every day of a calendar for a date, and no other', () => {
    const two = (max: number) => fc.nat(max).map((n) => String(n).padStart(2, '0'));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), two(14), two(34), (y, month, day) => {
        const text = `${String(y).padStart(4, '0')}-${month}-${day}`;
        const days = parseDate(text);
        expect(days !== null).toBe(days !== null && formatDays(days) === text);
        const isDay = !Number.isNaN(Date.parse(text)) && new Date(text).toJSON().startsWith(text);
        expect(days !== null).toBe(isDay);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes the last offsets from UTC that there can be', () => {
    expect(parseDate('1970-01-01T23:59+23:59')).toBe(0);
    expect(parseDate('1970-01-01T00:00-23:00')).toBe(23 / 24);
  });

  it('knows the numbers that mean "not known", which bytes alone do not show', () => {
    const { missing } = settings;
    expect([...rule.missingNumbers]).toEqual([-999, 1000]);
    expect(rule.missingWords).toEqual(new Set(missing.map((word) => word.trim())));
    expect([-999, 1000, 999].map((value) => rule.isMissingNumber(value))).toEqual([
      true,
      true,
      false,
    ]);
    const bytes = Buffer.from('-999');
    expect(rule.classify(bytes, 0, 4)).toBe(UNCERTAIN);
    expect(new CellRule({ missing: ['NA'] }).classify(bytes, 0, 4)).toBe(NUMERIC);
  });

  it.each<[Parameters<typeof readCellSettings>[0], object]>([
    [{ missing_values: ['NA'] }, { missing: ['NA'] }],
    [{ missing_values: [], decimal: '.', thousands: null }, { missing: [] }],
    [
      { missing_values: [], decimal: ',', thousands: '.' },
      { missing: [], decimal: ',', thousands: '.' },
    ],
  ])('reads settings %j without the defaults', (data, read) => {
    expect(readCellSettings(data)).toEqual(read);
  });

  it('reads an empty cell as a word where it does not mean "not known"', () => {
    expect(new CellRule({ missing: ['NA'] }).readWord(' ')).toBe('');
    expect(new CellRule({ missing: ['NA'] }).readNumber(' ')).toBeUndefined();
  });
});

describe('classifyBytes', () => {
  const classify = (text: string): number => {
    // The digits before and after it are other cells.
    const bytes = Buffer.from(`9${text}9`);
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

  it.each([
    '0',
    '5.1',
    '-12',
    '0.000123',
    '123456789.25',
    '0.1234567890123456',
    '1.',
    '123456789012345',
    `0.${'1'.repeat(298)}`,
  ])('is certain of %s', (text) => expect(classify(text)).toBe(NUMERIC));

  it.each(['00123', '-007', '01.5', '1234567890123456', '-1234567890123456'])(
    'says that %s is a number that may be a code',
    (text) => expect(classify(text)).toBe(NUMBER),
  );

  it.each(['', '-', '.', '.5', '+1', '1e5', '1.2.3', '1,5', ' 1', '1'.repeat(301)])(
    'leaves %j to the reader of texts',
    (text) => expect(classify(text)).toBe(UNCERTAIN),
  );
});

describe('looksNumeric', () => {
  it.each(['00123', '+007', '-01', ' 007 ', '01.5', '9007199254740992', '-9007199254740993'])(
    'takes %j for a code, which would lose digits as a number',
    (text) => expect([looksNumeric(text), parseNumber(text) === null]).toEqual([false, false]),
  );

  it.each(['0', '-0.5', '+3', ' 7 ', '1e20', '.5', '9007199254740991', '9007199254740992.5'])(
    'takes %j for a number',
    (text) => expect(looksNumeric(text)).toBe(true),
  );

  it.each(['', ' ', 'x', '0x10', '1e999', 'Infinity', 'NaN'])('takes %j for a word', (text) =>
    expect(looksNumeric(text)).toBe(false),
  );
});
