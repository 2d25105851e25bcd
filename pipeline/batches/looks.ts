import { CellRule, type CellSettings } from '../csv/cells.ts';
import { nameColumnParam, quote } from '../csv/quote.ts';

/** What the words of a column look like, with one of them, and what to do about it: parts of a sentence. */
export interface Looks {
  readonly what: string;
  readonly repair: string;
}

/** The share of the words that must look alike. */
const MOST = 0.9;

interface NumberFormat {
  readonly decimal: '.' | ',';
  readonly thousands?: NonNullable<CellSettings['thousands']>;
}

/** The more usual ones first. */
const FORMATS: readonly NumberFormat[] = [
  { decimal: ',' },
  { decimal: '.' },
  { decimal: ',', thousands: '.' },
  { decimal: '.', thousands: ',' },
  { decimal: '.', thousands: ' ' },
  { decimal: ',', thousands: ' ' },
  { decimal: '.', thousands: "'" },
  { decimal: ',', thousands: "'" },
  { decimal: '.', thousands: '_' },
];

/** Dates that are not ISO 8601: 31.12.2024, 12/31/24, 2024/12/31, 31 Dec 2024, Dec 31, 2024, with or without a time. */
const OTHER_DATE = new RegExp(
  `^(?:${[
    String.raw`\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})`,
    String.raw`\d{4}([./])\d{1,2}\2\d{1,2}`,
    String.raw`\d{1,2}[ .-]+\p{L}{3,9}[ .,-]+(?:\d{4}|\d{2})`,
    String.raw`\p{L}{3,9} \d{1,2}, ?\d{4}`,
  ].join('|')})(?:[T ,]+\\d{1,2}:\\d{2}.*)?$`,
  'u',
);

const MINUS = /\u2212/gu;

const UNITS: readonly { readonly unit: RegExp; readonly what: string; readonly sign: string }[] = [
  { unit: MINUS, what: 'numbers with the minus sign U+2212', sign: 'a hyphen as the minus' },
  { unit: /\s*%$/gu, what: 'percentages', sign: 'no percent sign' },
  {
    unit: /^(?:\p{Sc}|[A-Z]{3}(?=[\s\d-]))\s*|\s*(?:\p{Sc}|(?<=[\s\d])[A-Z]{3})$/gu,
    what: 'amounts of money',
    sign: 'no currency sign',
  },
];

/**
 * Finds what words look like that are not numbers: numbers with another decimal character or with groups, numbers with
 * a sign or a unit, or dates.
 * @param name of the column
 * @param words some of its known cells that are not numbers
 * @returns undefined when they look like none of these
 */
export function findLooks(
  name: string,
  words: readonly string[],
  format: CellSettings,
): Looks | undefined {
  if (words.length === 0) return undefined;
  const example = quote(words[0]!);
  const formats = findFormats(words, format);
  if (formats.length > 0) {
    const what = formats.map(describeFormat).join(' or ');
    const settings = formats.map((found) => listSettings(found, format)).join(' or ');
    return {
      what: `numbers with ${what} (${example})`,
      repair: `start a pipeline with ${settings}`,
    };
  }
  for (const { unit, what, sign } of UNITS) {
    const bare = words.map((word) => word.trim().replaceAll(unit, unit === MINUS ? '-' : ''));
    const isSigned = share(bare, (text, i) => text !== words[i]!.trim()) >= MOST;
    if (isSigned && (isNumeric(bare, format) || findFormats(bare, format).length > 0))
      return {
        what: `${what} (${example})`,
        repair: `write them as numbers with ${sign}, or declare ${nameColumnParam(name)}: category`,
      };
  }
  if (share(words, (word) => OTHER_DATE.test(word.trim())) >= MOST)
    return {
      what: `dates (${example})`,
      repair: `write them as in 2024-12-31, or declare ${nameColumnParam(name)}: ignore, because a model learns no later date`,
    };
  return undefined;
}

/** Finds the formats in which the words are numbers: more than one where all have three digits after one comma. */
function findFormats(words: readonly string[], format: CellSettings): NumberFormat[] {
  const { missing, decimal = '.', thousands } = format;
  const found = FORMATS.filter(
    (one) =>
      (one.decimal !== decimal || one.thousands !== thousands) &&
      isNumeric(words, { missing, ...one }),
  );
  const [first] = found;
  if (first === undefined) return [];
  const other =
    first.thousands === undefined && found.find((one) => one.thousands === first.decimal);
  return other && !words.some((word) => /^[+-]?0[.,]/.test(word.trim())) ? [first, other] : [first];
}

function isNumeric(words: readonly string[], format: CellSettings): boolean {
  const rule = new CellRule(format);
  return share(words, (word) => rule.looksNumeric(word)) >= MOST;
}

function share(words: readonly string[], matches: (word: string, i: number) => boolean): number {
  return words.filter(matches).length / words.length;
}

const GROUP_NAMES: Record<NonNullable<NumberFormat['thousands']>, string> = {
  ',': 'a comma',
  '.': 'a point',
  ' ': 'a space',
  "'": 'an apostrophe',
  _: 'an underscore',
};

function describeFormat({ decimal, thousands }: NumberFormat): string {
  const point = decimal === ',' ? 'a decimal comma' : 'a decimal point';
  if (thousands === undefined) return point;
  const groups = `${GROUP_NAMES[thousands]} between thousands`;
  return decimal === '.' ? groups : `${point} and ${groups}`;
}

/** The settings that differ from the present ones, as in params.yaml. */
function listSettings({ decimal, thousands }: NumberFormat, format: CellSettings): string {
  const settings = [
    ...(decimal === (format.decimal ?? '.') ? [] : [`data.decimal: ${JSON.stringify(decimal)}`]),
    ...(thousands === format.thousands
      ? []
      : [`data.thousands: ${JSON.stringify(thousands ?? null)}`]),
  ];
  return settings.join(' and ');
}
