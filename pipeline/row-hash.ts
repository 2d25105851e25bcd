import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import { SPLIT_KEY } from './split.ts';

const QUOTE = 34;
const BACKSLASH = 92;

/**
 * Writes a row's cells as `splitPoint` reads them, byte for byte, straight from the bytes they were read
 * from, and gives the same point.
 */
export class RowHash {
  #bytes = Buffer.alloc(4096);
  readonly #first: number;
  #at: number;

  constructor() {
    this.#first = this.#bytes.write(SPLIT_KEY);
    this.#at = this.#first;
  }

  begin(): void {
    this.#at = this.#first;
  }

  missing(): void {
    this.#text('null');
  }

  number(value: number): void {
    this.#text(String(value));
  }

  /** A number spelt in bytes [start, end) as ECMAScript prints it. */
  canonicalNumber(bytes: Buffer, start: number, end: number): void {
    this.#room(end - start);
    this.#separate();
    this.#copy(bytes, start, end);
  }

  /** A word in bytes [start, end). */
  word(bytes: Buffer, start: number, end: number): void {
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= 32 && byte !== QUOTE && byte !== BACKSLASH) continue;
      this.#text(JSON.stringify(bytes.toString('utf8', start, end)));
      return;
    }
    this.#room(end - start + 2);
    this.#separate();
    this.#bytes[this.#at++] = QUOTE;
    this.#copy(bytes, start, end);
    this.#bytes[this.#at++] = QUOTE;
  }

  /** Where the row falls between 0 (included) and 1. */
  point(): number {
    if (this.#at === this.#first) this.#bytes[this.#at++] = 91; // [ of a row without cells
    this.#room(1);
    this.#bytes[this.#at++] = 93; // ]
    const digest = hash('sha256', this.#bytes.subarray(0, this.#at), 'binary');
    const byte = (i: number): number => digest.charCodeAt(i);
    const high = ((byte(0) << 24) | (byte(1) << 16) | (byte(2) << 8) | byte(3)) >>> 0;
    const low = ((byte(4) << 24) | (byte(5) << 16) | (byte(6) << 8) | byte(7)) >>> 11;
    return (high * 2 ** 21 + low) / 2 ** 53;
  }

  #text(text: string): void {
    this.#room(3 * text.length);
    this.#separate();
    this.#at += this.#bytes.write(text, this.#at);
  }

  #separate(): void {
    this.#bytes[this.#at] = this.#at === this.#first ? 91 : 44; // [ or ,
    this.#at++;
  }

  #copy(bytes: Buffer, start: number, end: number): void {
    let at = this.#at;
    for (let i = start; i < end; i++) this.#bytes[at++] = bytes[i]!;
    this.#at = at;
  }

  /** Room for so many bytes and what stands around them. */
  #room(length: number): void {
    if (this.#at + length + 4 <= this.#bytes.length) return;
    const more = Buffer.alloc(2 * (this.#bytes.length + length));
    this.#bytes.copy(more, 0, 0, this.#at);
    this.#bytes = more;
  }
}
