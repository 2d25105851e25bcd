import type { DECIMALS, THOUSANDS } from '../../contract/defaults.ts';
import { parseDate } from './dates.ts';

/** The value of a cell: a finite number (never -0), a trimmed word, or null if the cell is missing. */
export type Cell = number | string | null;

/**
 * Texts that `Number` accepts although they are not decimals: the empty text, and integers with a prefix such as 0x.
 */
const NOT_DECIMAL = /^\s*(?:0[xob]|$)/i;
const LEADING_ZERO = /^[+-]?0\d/;
const INTEGER = /^[+-]?\d+$/;

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

/**
 * How the cells of a pipeline are read: plain JSON. A copy is stored with each logged model as cells.json, and the
 * loader of the model reads the same cells in Python (tracking/pyfunc/). So a new setting is added in three places:
 * here, in the loader, and in test/fixtures/cells.json, which holds the rule of both languages.
 */
export interface CellSettings {
  /** Words that mean "not known" (`data.missing_values`). White space around them is ignored. */
  readonly missing: readonly string[];
  /** The character before the fraction of a number (`data.decimal`); a point if absent. */
  readonly decimal?: (typeof DECIMALS)[number];
  /** The character between groups of three digits (`data.thousands`); none if absent. */
  readonly thousands?: (typeof THOUSANDS)[number];
}

/**
 * The settings of cells among the params of a run or the settings of a ledger. Those of an earlier program name no
 * characters of numbers, and defaults are left out.
 */
export function readCellSettings(data: {
  readonly missing_values: readonly string[];
  readonly decimal?: (typeof DECIMALS)[number];
  readonly thousands?: (typeof THOUSANDS)[number] | null;
}): CellSettings {
  const { missing_values: missing, decimal = '.', thousands = null } = data;
  return {
    missing,
    ...(decimal === '.' ? {} : { decimal }),
    ...(thousands === null ? {} : { thousands }),
  };
}

/** Reads the cells of a pipeline. Type inference, cutting and encoding use the same rule. */
export class CellRule {
  readonly #missing: ReadonlySet<string>;
  readonly #missingNumbers: ReadonlySet<number>;
  readonly #point: number;
  /** Recognises numbers with another decimal character, or with groups of digits; undefined for plain decimals. */
  readonly #written: { readonly pattern: RegExp; readonly groups: RegExp | null } | undefined;

  constructor({ missing, decimal = '.', thousands }: CellSettings) {
    this.#missing = new Set(missing.map((word) => word.trim()));
    this.#point = decimal.charCodeAt(0);
    this.#written =
      decimal === '.' && thousands === undefined ? undefined : describeNumbers(decimal, thousands);
    // Settings are written with a decimal point, also where cells have a comma.
    this.#missingNumbers = new Set(missing.map(parseNumber).filter((value) => value !== null));
  }

  /** The words for a missing cell. */
  get missingWords(): ReadonlySet<string> {
    return this.#missing;
  }

  /** The numbers that mean "not known". */
  get missingNumbers(): ReadonlySet<number> {
    return this.#missingNumbers;
  }

  /** Whether a number is among the words for a missing cell. */
  get numberIsMissing(): boolean {
    return this.#missingNumbers.size > 0;
  }

  /** Whether a number means "not known", such as -999. */
  isMissingNumber(value: number): boolean {
    return this.#missingNumbers.has(value);
  }

  /** Whether a cell is a word for a missing cell. White space around the word is ignored. */
  isMissing(cell: string): boolean {
    return this.#missing.has(cell.trim());
  }

  /**
   * The number in a cell, null if the cell is missing, undefined if it holds something else. If `-999` is a word for a
   * missing cell, so is every other spelling of that number: many programs write `-999.0` in its place.
   */
  readNumber(cell: string): number | null | undefined {
    const plain = this.#writePlain(cell);
    const value = plain === null ? null : parseNumber(plain);
    if (value === null) return this.isMissing(cell) ? null : undefined;
    return this.#missingNumbers.has(value) ? null : value;
  }

  /** The days of the date in a cell, see {@link parseDate}; null if the cell is missing, undefined for another text. */
  readDate(cell: string): number | null | undefined {
    return this.isMissing(cell) ? null : (parseDate(cell) ?? undefined);
  }

  /** The word in a cell, null if the cell is missing. */
  readWord(cell: string): string | null {
    const word = cell.trim();
    return this.#missing.has(word) ? null : word;
  }

  /** Whether a cell of a column without a declared type can be read as a number; see {@link looksNumeric}. */
  looksNumeric(cell: string): boolean {
    const plain = this.#writePlain(cell);
    return plain !== null && looksNumeric(plain);
  }

  /** Recognises a number in bytes, like {@link classifyBytes}. */
  classify(bytes: Uint8Array, start: number, end: number): number {
    return this.numberIsMissing ? UNCERTAIN : classifyBytes(bytes, start, end, this.#point);
  }

  /** Writes a number with a decimal point and without groups; null if the cell holds another text. */
  #writePlain(cell: string): string | null {
    if (this.#written === undefined) return cell;
    const { pattern, groups } = this.#written;
    const text = cell.trim();
    if (!pattern.test(text)) return null;
    const joined = groups === null ? text : text.replace(groups, '');
    return joined.replace(',', '.');
  }
}

/** The spellings of a character between groups: a space may be a no-break space, an apostrophe a typographic one. */
const GROUPS: Record<(typeof THOUSANDS)[number], string> = {
  ',': ',',
  '.': '\\.',
  ' ': '[ \u00a0\u202f]',
  "'": "['\u2019]",
  _: '_',
};

function describeNumbers(decimal: string, thousands: (typeof THOUSANDS)[number] | undefined) {
  const group = thousands === undefined ? undefined : GROUPS[thousands];
  const whole = group === undefined ? '\\d+' : `(?:\\d{1,3}(?:${group}\\d{3})+|\\d+)`;
  const point = decimal === '.' ? '\\.' : decimal;
  return {
    pattern: new RegExp(`^[+-]?(?:${whole}(?:${point}\\d*)?|${point}\\d+)(?:[eE][+-]?\\d+)?$`),
    groups: group === undefined ? null : new RegExp(group, 'g'),
  };
}

/**
 * The number that a cell holds in decimal (`12`, `-0.5`, `.5`, `1e-3`, with or without white space around it).
 * Null for anything else: hexadecimal, `Infinity`, a number too large for a float64, text. Never NaN, never -0.
 */
export function parseNumber(cell: string): number | null {
  const value = Number(cell);
  return Number.isFinite(value) && !NOT_DECIMAL.test(cell) ? value + 0 : null;
}

/**
 * Whether a cell of a column without a declared type can be read as a number. Stricter than {@link parseNumber}:
 * `00123` and integers too large for a float64 are codes. As numbers they would lose digits.
 */
export function looksNumeric(cell: string): boolean {
  const text = cell.trim();
  const value = parseNumber(text);
  if (value === null || LEADING_ZERO.test(text)) return false;
  return Number.isSafeInteger(value) || !INTEGER.test(text);
}

/** A decimal of more characters may be too large for a float64. */
const LONGEST_DECIMAL = 300;

/** An integer of more digits may be too large for a float64 to hold exactly. */
const LONGEST_INTEGER = 15;

/** Results of {@link classifyBytes}: not known, a number that may be a code, a number that is not a code. */
export const UNCERTAIN = 0;
export const NUMBER = 1;
export const NUMERIC = 2;

/**
 * Recognises a decimal in bytes: digits, with or without a minus and a point. Nearly every number is such a decimal.
 * Type inference and cutting read files larger than memory, and decoding the bytes would double their time.
 * @param point the code of the decimal character
 * @returns NUMERIC if {@link looksNumeric} is true, NUMBER if only {@link parseNumber} gives a number, UNCERTAIN if
 *   the text must be read
 */
export function classifyBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  point = POINT,
): number {
  if (end - start > LONGEST_DECIMAL) return UNCERTAIN;
  let at = bytes[start] === MINUS ? start + 1 : start;
  const first = at;
  while (at < end && isDigit(bytes[at]!)) at++;
  const digits = at - first;
  if (digits === 0) return UNCERTAIN;
  const isInteger = at === end;
  if (!isInteger && bytes[at] === point) at++;
  while (at < end && isDigit(bytes[at]!)) at++;
  if (at < end) return UNCERTAIN;
  const isCode = (digits > 1 && bytes[first] === ZERO) || (isInteger && digits > LONGEST_INTEGER);
  return isCode ? NUMBER : NUMERIC;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
