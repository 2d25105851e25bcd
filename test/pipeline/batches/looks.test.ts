import { describe, expect, it } from 'vitest';
import { findLooks } from '../../../pipeline/batches/looks.ts';
import type { CellSettings } from '../../../pipeline/csv/cells.ts';
import { CELLS } from '../support.ts';

const look = (words: string[], format: Partial<CellSettings> = {}) =>
  findLooks('x', words, { ...CELLS, ...format });
const point = { decimal: ',' } as const;
const set = 'start a pipeline with';

describe('words that look like numbers', () => {
  it.each<[string[], Partial<CellSettings>, string, string]>([
    [['1,5', '-2,25'], {}, 'a decimal comma', 'data.decimal: ","'],
    [['1.5', '2.25'], point, 'a decimal point', 'data.decimal: "."'],
    [
      ['1.234,5', '12.000.000'],
      {},
      'a decimal comma and a point between thousands',
      'data.decimal: "," and data.thousands: "."',
    ],
    [
      ['1.234.567', '2.000,5'],
      point,
      'a decimal comma and a point between thousands',
      'data.thousands: "."',
    ],
    [['1,234.5', '2,000,000'], {}, 'a comma between thousands', 'data.thousands: ","'],
    [['1 234', '2\u00a0000.5'], {}, 'a space between thousands', 'data.thousands: " "'],
    [
      ['1 234,5', '2 000'],
      {},
      'a decimal comma and a space between thousands',
      'data.decimal: "," and data.thousands: " "',
    ],
    [["1'234.5", '2\u2019000'], {}, 'an apostrophe between thousands', 'data.thousands: "\'"'],
    [
      ["1'234,5", "2'000"],
      {},
      'a decimal comma and an apostrophe between thousands',
      'data.decimal: "," and data.thousands: "\'"',
    ],
    [['1_234.5', '2_000'], {}, 'an underscore between thousands', 'data.thousands: "_"'],
    [
      ['1.5', '2.25'],
      { decimal: ',', thousands: '.' },
      'a decimal point',
      'data.decimal: "." and data.thousands: null',
    ],
    [
      ['1,234.5', '2,000,000'],
      { decimal: ',', thousands: '.' },
      'a comma between thousands',
      'data.decimal: "." and data.thousands: ","',
    ],
  ])('such as %j under %j have %s', (words, format, what, settings) => {
    expect(look(words, format)).toEqual({
      what: `numbers with ${what} (${JSON.stringify(words[0])})`,
      repair: `${set} ${settings}`,
    });
  });

  it('leave two choices where a comma may be either, until one of them begins with 0', () => {
    expect(look(['1,234', '2,000'])).toEqual({
      what: 'numbers with a decimal comma or a comma between thousands ("1,234")',
      repair: `${set} data.decimal: "," or data.thousands: ","`,
    });
    const many = Array.from({ length: 10 }, () => '1,234');
    for (const zero of ['0,125', ' -0,125', '+0,125', '0.125'])
      expect(look([...many, zero])?.repair).toBe(`${set} data.decimal: ","`);
    for (const other of ['-1,234', '10,125', 'a 0,125'])
      expect(look([...many, other])?.repair).toContain(' or ');
    expect(look(['1.234', '2.000'], point)?.repair).toBe(
      `${set} data.decimal: "." or data.thousands: "."`,
    );
  });
});

describe('words that look like amounts', () => {
  it.each<[string[], string, string]>([
    [['\u22125', ' \u22120.5'], 'numbers with the minus sign U+2212', 'a hyphen as the minus'],
    [['5 %', '6.5% '], 'percentages', 'no percent sign'],
    [['5,5 %', '6,25 %'], 'percentages', 'no percent sign'],
    [['\u20ac5', ' $ 6.50', '7.25 \u20ac'], 'amounts of money', 'no currency sign'],
    [['USD 7', 'EUR -8', '9 CHF', '10EUR'], 'amounts of money', 'no currency sign'],
    [['1.234,50 \u20ac', '2.000,25 \u20ac'], 'amounts of money', 'no currency sign'],
  ])('such as %j are named with their sign', (words, what, sign) => {
    expect(look(words)).toEqual({
      what: `${what} (${JSON.stringify(words[0])})`,
      repair: `write them as numbers with ${sign}, or declare data.columns.x: category`,
    });
  });

  it.each([
    [['ten %', 'many %']],
    // A word in capitals is no currency without a number beside it.
    [['USD', 'EUR']],
    [['A4', 'B5']],
  ])('are no amounts where no number is left: %j', (words) => {
    expect(look(words)).toBeUndefined();
  });
});

describe('words that look like dates', () => {
  it.each([
    '31.12.2024',
    '1/2/24',
    '12-31-2024',
    '2024/12/31',
    '2024.1.2',
    '31 Dec 2024',
    '31. Dezember 24',
    '31-Dec-2024',
    'Dec 31, 2024',
    'June 1,2024',
    '31.12.2024 10:30',
    '31.12.2024T1:30:15',
    ' 31.12.2024 ',
  ])('such as %j are named, with the way to write them', (date) => {
    expect(look([date])).toEqual({
      what: `dates (${JSON.stringify(date)})`,
      repair:
        'write them as in 2024-12-31, or declare data.columns.x: ignore, because a model learns no later date',
    });
  });

  it.each(['31.12/2024', '2024/12.31', '31.12.20245', 'x31.12.2024', '31.12.2024 soon', '1.2.3.4'])(
    'are not such as %j',
    (word) => expect(look([word])).toBeUndefined(),
  );
});

describe('words of a column', () => {
  const most = (like: string, count: number) => [
    ...Array.from({ length: count }, () => like),
    ...Array.from({ length: 10 - count }, () => 'red'),
  ];

  it.each(['1,5', '5 %', '31.12.2024'])('look like %j from nine in ten on', (like) => {
    expect(look(most(like, 9))).toBeDefined();
    expect(look(most(like, 8))).toBeUndefined();
  });

  it('look like nothing where they are plain words, or none is known', () => {
    expect(look(['red', 'blue'])).toBeUndefined();
    expect(look([])).toBeUndefined();
  });

  it('have a sign only where most of them have it', () => {
    expect(look(['\u22125', '\u22126', '1,5', '2,5'])).toBeUndefined();
  });
});
