import { Buffer } from 'node:buffer';

const POWERS = Float64Array.from({ length: 16 }, (_, power) => 10 ** power);

/** Digits that a float64 holds whatever they are. */
const SURE_DIGITS = 15;

/**
 * Reads cells from bytes as `cells.ts` says they read from text, without making text of them. What is
 * found stays in the fields until the next cell.
 */
export class CellReader {
  /** The cell without the white space around it. */
  start = 0;
  end = 0;
  /** The number in the cell; never -0. */
  value = 0;
  /** Where the spelling that ECMAScript would print ends, which begins where the cell does; -1 when it spells otherwise. */
  canonicalEnd = -1;
  /** Whether digits follow a leading zero, as in a code. */
  padded = false;
  readonly #missing: readonly (readonly Uint8Array[])[];
  /** 1 for the bytes that those words begin with. */
  readonly #heads = new Uint8Array(256);

  constructor(missingValues: readonly string[]) {
    const words = [...new Set(missingValues.map((value) => value.trim()))].map((word) =>
      Buffer.from(word),
    );
    const longest = Math.max(-1, ...words.map(({ length }) => length));
    this.#missing = Array.from({ length: longest + 1 }, (_, length) =>
      words.filter((word) => word.length === length),
    );
    for (const [head] of words) if (head !== undefined) this.#heads[head] = 1;
  }

  /**
   * Takes up a cell.
   * @returns whether it is one of the words that mean "not known"
   */
  isMissing(bytes: Buffer, start: number, end: number): boolean {
    while (start < end && isSpace(bytes[start]!)) start++;
    while (start < end && isSpace(bytes[end - 1]!)) end--;
    this.start = start;
    this.end = end;
    if (start < end && (bytes[start]! > 0x7f || bytes[end - 1]! > 0x7f)) this.#trim(bytes);
    if (this.start < this.end && this.#heads[bytes[this.start]!] === 0) return false;
    const candidates = this.#missing[this.end - this.start];
    if (candidates === undefined) return false;
    for (let i = 0; i < candidates.length; i++) if (this.#is(bytes, candidates[i]!)) return true;
    return false;
  }

  /** The cell taken up, as text. */
  text(bytes: Buffer): string {
    return bytes.toString('utf8', this.start, this.end);
  }

  /**
   * Reads the cell taken up as a decimal of few enough digits to be exact, without exponent: nearly all
   * that data holds, and for the rest `numberOf` says what the text is.
   * @returns whether it is one; false says nothing
   * @see Clinger, "How to read floating point numbers accurately": two exact float64s, one rounding
   */
  isPlainNumber(bytes: Buffer): boolean {
    const { end } = this;
    let at = this.start;
    const negative = bytes[at] === 45;
    if (negative) at++;
    const first = at;
    let digits = 0;
    let byte = 0;
    while (at < end && (byte = bytes[at]! - 48) >= 0 && byte <= 9) {
      digits = digits * 10 + byte;
      at++;
    }
    const whole = at - first;
    if (whole === 0 || whole > SURE_DIGITS) return false;
    this.padded = whole > 1 && bytes[first] === 48;
    let fraction = 0;
    let spelt = at;
    if (at < end) {
      if (bytes[at] !== 46) return false;
      at++;
      const point = at;
      while (at < end && (byte = bytes[at]! - 48) >= 0 && byte <= 9) {
        digits = digits * 10 + byte;
        at++;
        if (byte !== 0) spelt = at;
      }
      fraction = at - point;
      if (at < end || whole + fraction > SURE_DIGITS) return false;
    }
    const size = fraction === 0 ? digits : digits / POWERS[fraction]!;
    this.value = negative ? 0 - size : size;
    const prints = !this.padded && (size >= 1e-6 || (size === 0 && !negative));
    this.canonicalEnd = prints ? spelt : -1;
    return true;
  }

  #is(bytes: Buffer, word: Uint8Array): boolean {
    for (let i = 0; i < word.length; i++) if (bytes[this.start + i] !== word[i]) return false;
    return true;
  }

  /** Some white space takes several bytes. */
  #trim(bytes: Buffer): void {
    const text = this.text(bytes);
    const lead = text.length - text.trimStart().length;
    const trimmed = text.trim();
    if (trimmed.length === text.length) return;
    this.start += Buffer.byteLength(text.slice(0, lead));
    this.end = this.start + Buffer.byteLength(trimmed);
  }
}

/** White space of one byte, as `trim` sees it. */
export function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}
