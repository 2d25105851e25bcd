import { Buffer } from 'node:buffer';
import { numberOf } from './cells.ts';
import { LongDecimal, POWERS } from './long-decimal.ts';

/** Digits that an int32 holds whatever they are, and that a float64 does. */
const SHORT = 9;
const SURE_DIGITS = 15;
/** Below it a whole number has no more of the latter. */
const SURE = 10 ** SURE_DIGITS;

/** Digits after those at most, and characters of all: both so that sums of them stay exact. */
const MOST_MORE = 15;
const LONGEST = 40;

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
    let byte = 0;
    let whole = 0;
    while (at < end && (byte = bytes[at]! - ZERO) >= 0 && byte <= 9) {
      whole = (whole * 10 + byte) | 0;
      at++;
    }
    const wholes = at - first;
    if (wholes === 0) return false;
    let part = 0;
    let places = 0;
    let spelt = at;
    if (at < end) {
      if (bytes[at] !== POINT) return false;
      const point = ++at;
      while (at < end && (byte = bytes[at]! - ZERO) >= 0 && byte <= 9) {
        part = (part * 10 + byte) | 0;
        at++;
        if (byte !== 0) spelt = at;
      }
      if (at < end) return false;
      places = at - point;
    }
    this.padded = wholes > 1 && bytes[first] === ZERO;
    if (wholes > SHORT || places > SHORT || wholes + places > SURE_DIGITS)
      return this.#isLongNumber(bytes, first, spelt, places);
    const scale = POWERS[places]!;
    const size = places === 0 ? whole : (whole * scale + part) / scale;
    this.#found(size, negative, spelt);
    return true;
  }

  #found(size: number, negative: boolean, spelt: number): void {
    this.value = negative ? 0 - size : size;
    const prints = !this.padded && (size >= 1e-6 || (size === 0 && !negative));
    this.canonicalEnd = prints ? spelt : -1;
  }

  /** The rest of it, for a decimal of many digits; `fraction` of them follow its point, and `spelt` is where zeros end it. */
  #isLongNumber(bytes: Buffer, first: number, spelt: number, fraction: number): boolean {
    const { end } = this;
    if (fraction >= POWERS.length || end - first > LONGEST) return false;
    const negative = this.start < first;
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
    if (more === 0) {
      this.#found(head / POWERS[fraction]!, negative, spelt);
      return true;
    }
    if (fraction === 0 || more > MOST_MORE) return false;
    if (!this.#long.read(head, tail, more, fraction)) return false;
    const { value } = this.#long;
    const places = fraction - (end - spelt);
    const prints =
      places > 0 && value >= 1e-6 && this.#long.isPrinted(bytes[spelt - 1]! - ZERO, places);
    this.#found(value, negative, spelt);
    if (!prints) this.canonicalEnd = -1;
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

/** Longer ones may be too large for a float64. */
const LONGEST_DECIMAL = 300;

/**
 * Whether a cell is a number whatever the words for "not known" are: digits, perhaps with a minus before them
 * and a point among them. False says nothing.
 */
export function isDecimal(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > LONGEST_DECIMAL) return false;
  let at = bytes[start] === MINUS ? start + 1 : start;
  const first = at;
  while (at < end && isDigit(bytes[at]!)) at++;
  if (at === first) return false;
  if (at < end && bytes[at] === POINT) at++;
  while (at < end && isDigit(bytes[at]!)) at++;
  return at === end;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
