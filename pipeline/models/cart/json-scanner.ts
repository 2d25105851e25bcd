import { Buffer } from 'node:buffer';

/** The largest size of a key or a number in bytes. No known key and no number is longer. */
const LONGEST = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = [0x7b, 0x5b]; // { [
const CLOSE = [0x7d, 0x5d]; // } ]
const END = -1;
/** The number of texts that are kept; a power of two. */
const SLOTS = 256;

/**
 * Reads JSON token by token from pieces of bytes, so that memory never holds the whole text or value. The next
 * token must be the one that a method reads. Any other token is a SyntaxError.
 */
export class JsonScanner {
  readonly #pieces: Iterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);
  #at = 0;
  #before = 0;
  readonly #token = Buffer.alloc(LONGEST);
  #length = 0;
  readonly #known: (string | undefined)[] = Array.from({ length: SLOTS });

  /** @param pieces each is valid until the next one is requested */
  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  /** Returns the next byte that is not white space, without taking it; -1 at the end. */
  peek(): number {
    for (;;) {
      if (this.#at === this.#piece.length && !this.#refill()) return END;
      const byte = this.#piece[this.#at]!;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.#at++;
    }
  }

  /** Takes one character of punctuation, if it is next. */
  takes(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.takes(character)) throw this.#unexpected(character);
  }

  /** Reads a string of plain ASCII such as a key. Returns an empty text for any other string. */
  word(): string {
    this.expect('"');
    this.#length = 0;
    let isPlain = true;
    for (let byte = this.#next(); byte !== QUOTE; byte = this.#next()) {
      if (byte === BACKSLASH) this.#next();
      if (byte === BACKSLASH || byte > 0x7f || this.#length === LONGEST) isPlain = false;
      else this.#token[this.#length++] = byte;
    }
    return isPlain ? this.#text() : '';
  }

  /** Reads a number. */
  number(): number {
    this.peek();
    this.#length = 0;
    for (;;) {
      if (this.#at === this.#piece.length && !this.#refill()) break;
      const byte = this.#piece[this.#at]!;
      if (!isOfNumber(byte)) break;
      if (this.#length === LONGEST) throw this.#unexpected('a number');
      this.#token[this.#length++] = byte;
      this.#at++;
    }
    const text = this.#token.toString('latin1', 0, this.#length);
    if (!NUMBER.test(text)) throw this.#unexpected('a number');
    return Number(text);
  }

  /** Reads a number, or null as NaN. */
  numberOrNull(): number {
    if (this.peek() !== 0x6e) return this.number();
    this.skip();
    return Number.NaN;
  }

  /** Skips any value. */
  skip(): void {
    let depth = 0;
    do {
      const byte = this.peek();
      if (byte === QUOTE) {
        this.word();
      } else if (OPEN.includes(byte)) {
        depth++;
        this.#at++;
      } else if (depth > 0 && CLOSE.includes(byte)) {
        depth--;
        this.#at++;
      } else if (depth > 0 && (byte === 0x2c || byte === 0x3a)) {
        this.#at++;
      } else {
        this.#scalar();
      }
    } while (depth > 0);
  }

  /** Checks that only white space is left. */
  end(): void {
    if (this.peek() !== END) throw this.#unexpected('the end');
  }

  /** Skips a number, true, false or null. */
  #scalar(): void {
    this.#length = 0;
    for (;;) {
      if (this.#at === this.#piece.length && !this.#refill()) break;
      const byte = this.#piece[this.#at]!;
      if (!isOfNumber(byte) && !(byte >= 0x61 && byte <= 0x7a)) break;
      if (this.#length === LONGEST) break;
      this.#token[this.#length++] = byte;
      this.#at++;
    }
    const text = this.#text();
    if (!SCALARS.has(text) && !NUMBER.test(text)) throw this.#unexpected('a value');
  }

  /** Returns the token as text. The same few keys and values repeat, so their texts are kept. */
  #text(): string {
    const [token, length] = [this.#token, this.#length];
    let slot = length;
    for (let i = 0; i < length; i++) slot = (31 * slot + token[i]!) & (SLOTS - 1);
    const known = this.#known[slot];
    if (known !== undefined && isText(token, length, known)) return known;
    const text = token.toString('latin1', 0, length);
    this.#known[slot] = text;
    return text;
  }

  #next(): number {
    if (this.#at === this.#piece.length && !this.#refill()) throw this.#unexpected('more');
    return this.#piece[this.#at++]!;
  }

  /** Reads the next piece. Returns false when there is none. */
  #refill(): boolean {
    for (;;) {
      this.#before += this.#piece.length;
      this.#at = 0;
      const { done, value } = this.#pieces.next() as IteratorResult<Uint8Array, undefined>;
      this.#piece = done === true ? new Uint8Array(0) : value;
      if (done === true || value.length > 0) return done !== true;
    }
  }

  #unexpected(what: string): SyntaxError {
    return new SyntaxError(`expected ${what} at byte ${this.#before + this.#at}`);
  }
}

function isText(bytes: Uint8Array, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}

const SCALARS = new Set(['true', 'false', 'null']);
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Whether a byte is a digit, a sign, a point or an exponent. */
function isOfNumber(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x2b ||
    byte === 0x2e ||
    byte === 0x65 ||
    byte === 0x45
  );
}
