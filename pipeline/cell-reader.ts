import { Buffer } from 'node:buffer';
import { numberOf } from './cells.ts';
import { LongDecimal, POWERS } from './long-decimal.ts';

/** Below it a whole number has as many digits as a float64 holds whatever they are, 15. */
const SURE = 10 ** 15;

/** Digits after those at most, and characters of all: both so that sums of them stay exact. */
const MOST_MORE = 15;
const MOST_LENGTH = 40;

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

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
  /** Whether one of those words is a number. */
  readonly #numberIsMissing: boolean;
  readonly #long = new LongDecimal();

  constructor(missingValues: readonly string[]) {
    const words = [...new Set(missingValues.map((value) => value.trim()))].map((word) =>
      Buffer.from(word),
    );
    const longest = Math.max(-1, ...words.map(({ length }) => length));
    this.#missing = Array.from({ length: longest + 1 }, (_, length) =>
      words.filter((word) => word.length === length),
    );
    for (const [head] of words) if (head !== undefined) this.#heads[head] = 1;
    this.#numberIsMissing = missingValues.some((value) => numberOf(value) !== null);
  }

  /**
   * Takes up a cell that is a number for sure, in one pass over its bytes.
   * @returns whether it is, as `isPlainNumber` says it; false says nothing, and the cell is to be taken up again
   */
  isSurelyNumber(bytes: Buffer, start: number, end: number): boolean {
    if (this.#numberIsMissing) return false;
    this.start = start;
    this.end = end;
    return this.isPlainNumber(bytes);
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
   * Reads the cell taken up as a decimal without exponent: nearly all that data holds, and for the rest
   * `numberOf` says what the text is.
   * @returns whether it is one; false says nothing
   * @see Clinger, "How to read floating point numbers accurately": two exact float64s, one rounding
   */
  isPlainNumber(bytes: Buffer): boolean {
    const { end } = this;
    let at = this.start;
    const negative = bytes[at] === MINUS;
    if (negative) at++;
    const first = at;
    let digits = 0;
    let byte = 0;
    while (at < end && (byte = bytes[at]! - ZERO) >= 0 && byte <= 9) {
      digits = digits * 10 + byte;
      at++;
    }
    const whole = at - first;
    if (whole === 0) return false;
    this.padded = whole > 1 && bytes[first] === ZERO;
    let fraction = 0;
    let spelt = at;
    if (at < end) {
      if (bytes[at] !== POINT) return false;
      const point = ++at;
      while (at < end && (byte = bytes[at]! - ZERO) >= 0 && byte <= 9) {
        digits = digits * 10 + byte;
        at++;
        if (byte !== 0) spelt = at;
      }
      if (at < end) return false;
      fraction = at - point;
      if (fraction >= POWERS.length) return false;
    }
    // Digits that were rounded on the way have become too large to be taken for sure ones.
    if (digits >= SURE) return this.#isLongNumber(bytes, first, spelt, fraction);
    const size = fraction === 0 ? digits : digits / POWERS[fraction]!;
    this.value = negative ? 0 - size : size;
    const prints = !this.padded && (size >= 1e-6 || (size === 0 && !negative));
    this.canonicalEnd = prints ? spelt : -1;
    return true;
  }

  /** The rest of it, for a decimal of many digits; `fraction` of them follow its point, and `spelt` is where zeros end it. */
  #isLongNumber(bytes: Buffer, first: number, spelt: number, fraction: number): boolean {
    const { end } = this;
    if (fraction === 0 || end - first > MOST_LENGTH) return false;
    let head = 0;
    let tail = 0;
    let more = 0;
    for (let at = first; at < end; at++) {
      const byte = bytes[at]! - ZERO;
      if (byte < 0) continue; // the point
      if (head < SURE / 10) head = head * 10 + byte;
      else {
        tail = tail * 10 + byte;
        more++;
      }
    }
    if (more > MOST_MORE || !this.#long.read(head, tail, more, fraction)) return false;
    const { value } = this.#long;
    this.value = this.start < first ? -value : value;
    const places = fraction - (end - spelt);
    const prints =
      !this.padded &&
      places > 0 &&
      value >= 1e-6 &&
      this.#long.isPrinted(bytes[spelt - 1]! - ZERO, places);
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
