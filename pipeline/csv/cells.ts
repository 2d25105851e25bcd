/** The value of a cell: a finite number (never -0), a trimmed word, or null if the cell is missing. */
export type Cell = number | string | null;

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const LEADING_ZERO = /^[+-]?0\d/;
const INTEGER = /^[+-]?\d+$/;

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

/** Reads the cells of a pipeline. Type inference, cutting and encoding use the same rule. */
export class CellRule {
  readonly #missing: ReadonlySet<string>;
  /** Whether a number is among the words for a missing cell. */
  readonly numberIsMissing: boolean;

  /** @param missingValues words that mean "not known" (`data.missing_values`) */
  constructor(missingValues: readonly string[]) {
    this.#missing = new Set(missingValues.map((value) => value.trim()));
    this.numberIsMissing = missingValues.some((value) => parseNumber(value) !== null);
  }

  /** Whether a cell is a word for a missing cell. White space around the word is ignored. */
  isMissing(cell: string): boolean {
    return this.#missing.has(cell.trim());
  }

  /** The number in a cell, null if the cell is missing, undefined if it holds something else. */
  readNumber(cell: string): number | null | undefined {
    const value = parseNumber(cell);
    if (value !== null && !this.numberIsMissing) return value;
    if (this.isMissing(cell)) return null;
    return value ?? undefined;
  }

  /** The word in a cell, null if the cell is missing. */
  readWord(cell: string): string | null {
    const word = cell.trim();
    return this.#missing.has(word) ? null : word;
  }
}

/**
 * The number that a cell holds in decimal (`12`, `-0.5`, `.5`, `1e-3`, with or without white space around it).
 * Null for anything else: hexadecimal, `Infinity`, a number too large for a float64, text. Never NaN, never -0.
 */
export function parseNumber(cell: string): number | null {
  const text = cell.trim();
  if (!DECIMAL.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value + 0 : null;
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
 * @returns NUMERIC if {@link looksNumeric} is true, NUMBER if only {@link parseNumber} gives a number, UNCERTAIN if
 *   the text must be read
 */
export function classifyBytes(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > LONGEST_DECIMAL) return UNCERTAIN;
  let at = bytes[start] === MINUS ? start + 1 : start;
  const first = at;
  while (at < end && isDigit(bytes[at]!)) at++;
  const digits = at - first;
  if (digits === 0) return UNCERTAIN;
  const isInteger = at === end;
  if (!isInteger && bytes[at] === POINT) at++;
  while (at < end && isDigit(bytes[at]!)) at++;
  if (at < end) return UNCERTAIN;
  const isCode = (digits > 1 && bytes[first] === ZERO) || (isInteger && digits > LONGEST_INTEGER);
  return isCode ? NUMBER : NUMERIC;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
