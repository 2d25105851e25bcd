import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { SPLIT_KEY } from './split.ts';

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
/** No offset of a byte, nor next to one. */
const NONE = -2;

/**
 * Writes a row's cells as `splitPoint` reads them, byte for byte, straight from the bytes they were read
 * from, and gives the same point.
 */
export class RowHash {
  #bytes = Buffer.alloc(4096);
  /** The first so many of them, for lengths that have been asked for: to make a view takes longer than to hash it. */
  #views: Uint8Array[] = [];
  readonly #first: number;
  #at: number;
  /** Cells that stand side by side in the source as they do in JSON, yet to be copied: bytes [from, to) of it. */
  #source: Buffer = this.#bytes;
  #from = NONE;
  #to = NONE;

  constructor() {
    this.#first = this.#bytes.write(SPLIT_KEY);
    this.#at = this.#first;
  }

  begin(): void {
    this.#at = this.#first;
    this.#from = this.#to = NONE;
  }

  missing(): void {
    this.#text('null');
  }

  number(value: number): void {
    this.#text(String(value));
  }

  /** A number spelt in bytes [start, end) as ECMAScript prints it; they must stay until `point`. */
  canonicalNumber(bytes: Buffer, start: number, end: number): void {
    if (start === this.#to + 1 && bytes === this.#source && bytes[this.#to] === COMMA) {
      this.#to = end;
      return;
    }
    this.#copy();
    this.#source = bytes;
    this.#from = start;
    this.#to = end;
  }

  /**
   * A word in bytes [start, end).
   * @param plain whether JSON spells it as it stands, where the caller knows
   */
  word(bytes: Buffer, start: number, end: number, plain = isPlain(bytes, start, end)): void {
    if (!plain) return this.#text(JSON.stringify(bytes.toString('utf8', start, end)));
    this.#copy();
    this.#room(end - start + 2);
    const to = this.#bytes;
    let at = this.#at;
    to[at] = at === this.#first ? OPEN : COMMA;
    to[at + 1] = QUOTE;
    at += 2;
    for (let i = start; i < end; i++) to[at++] = bytes[i]!;
    to[at] = QUOTE;
    this.#at = at + 1;
  }

  /** Where the row falls between 0 (included) and 1. */
  point(): number {
    this.#copy();
    this.#room(1);
    if (this.#at === this.#first) this.#bytes[this.#at++] = OPEN; // of a row without cells
    this.#bytes[this.#at++] = CLOSE;
    const view = (this.#views[this.#at] ??= this.#bytes.subarray(0, this.#at));
    const digest = hash('sha256', view, 'binary');
    return (wordAt(digest, 0) * 2 ** 21 + (wordAt(digest, 4) >>> 11)) / 2 ** 53;
  }

  #copy(): void {
    const source = this.#source;
    const end = this.#to;
    let from = this.#from;
    if (from === end) return;
    this.#room(end - from);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at] = at === this.#first ? OPEN : COMMA;
    at++;
    while (from < end) bytes[at++] = source[from++]!;
    this.#at = at;
    this.#from = this.#to = NONE;
  }

  #text(text: string): void {
    this.#copy();
    this.#room(3 * text.length);
    this.#bytes[this.#at] = this.#at === this.#first ? OPEN : COMMA;
    this.#at++;
    this.#at += this.#bytes.write(text, this.#at);
  }

  /** Room for so many bytes and what stands around them. */
  #room(length: number): void {
    if (this.#at + length + 4 <= this.#bytes.length) return;
    const more = Buffer.alloc(2 * (this.#bytes.length + length));
    this.#bytes.copy(more, 0, 0, this.#at);
    this.#bytes = more;
    this.#views = [];
  }
}

/** Whether a word in bytes [start, end) stands in JSON as it is. */
export function isPlain(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < 32 || byte === QUOTE || byte === BACKSLASH) return false;
  }
  return true;
}

/** Four bytes of a binary string as an unsigned integer. */
function wordAt(text: string, at: number): number {
  const high = (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
  return ((high << 16) | (text.charCodeAt(at + 2) << 8) | text.charCodeAt(at + 3)) >>> 0;
}
