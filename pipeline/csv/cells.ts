/** A cell once read: a finite number (never -0), a trimmed word, or null where it is missing. */
export type Cell = number | string | null;

const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const LEADING_ZERO = /^[+-]?0\d/;
const INTEGER = /^[+-]?\d+$/;

/** The words that mean "not known", trimmed as cells are before they are compared with them. */
export function missingWords(values: readonly string[]): ReadonlySet<string> {
  return new Set(values.map((value) => value.trim()));
}

/** Whether a cell, but for white space around it, is one of the words that mean "not known". */
export function isMissing(cell: string, missing: ReadonlySet<string>): boolean {
  return missing.has(cell.trim());
}

/**
 * The number a cell spells in decimal (`12`, `-0.5`, `.5`, `1e-3`, white space around it allowed), or
 * null when it is anything else: hexadecimal, `Infinity`, an overflow, text. Never NaN, never -0.
 */
export function numberOf(cell: string): number | null {
  const text = cell.trim();
  if (!DECIMAL.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value + 0 : null;
}

/**
 * Whether a cell of a column nobody declared may be taken for a number. Stricter than {@link numberOf}:
 * `00123` and integers that a float64 cannot hold are codes, and would lose digits.
 */
export function looksNumeric(cell: string): boolean {
  const text = cell.trim();
  const value = numberOf(text);
  if (value === null || LEADING_ZERO.test(text)) return false;
  return Number.isSafeInteger(value) || !INTEGER.test(text);
}
