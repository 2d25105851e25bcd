import { Buffer } from 'node:buffer';

/** Numbers distinct words from 0 in the order they are first met, by their UTF-8 bytes. */
export class WordTable {
  /** How many distinct words there are. */
  size = 0;
  #slots = new Int32Array(64).fill(-1);
  #hashes = new Int32Array(32);
  /** Word w is bytes [ends[w - 1], ends[w]) of the text. */
  #ends = new Float64Array(32);
  #text = Buffer.allocUnsafe(1024);
  #used = 0;

  /** The number of the word in bytes [start, end). */
  codeOf(bytes: Buffer, start: number, end: number): number {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    const slots = this.#slots;
    const hashes = this.#hashes;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const code = slots[slot]!;
      if (code < 0) return this.#add(slot, hash, bytes, start, end);
      if (hashes[code] === hash && this.#is(code, bytes, start, end)) return code;
    }
  }

  /** A word's text. */
  word(code: number): string {
    return this.#text.toString('utf8', this.#startOf(code), this.#ends[code]);
  }

  #startOf(code: number): number {
    return code === 0 ? 0 : this.#ends[code - 1]!;
  }

  #is(code: number, bytes: Buffer, start: number, end: number): boolean {
    const text = this.#text;
    const to = this.#ends[code]!;
    let at = code === 0 ? 0 : this.#ends[code - 1]!;
    if (to - at !== end - start) return false;
    for (; at < to; at++, start++) if (bytes[start] !== text[at]) return false;
    return true;
  }

  #add(slot: number, hash: number, bytes: Buffer, start: number, end: number): number {
    const code = this.size++;
    const length = end - start;
    if (this.#used + length > this.#text.length) {
      const more = Buffer.allocUnsafe(2 * (this.#used + length));
      this.#text.copy(more, 0, 0, this.#used);
      this.#text = more;
    }
    bytes.copy(this.#text, this.#used, start, end);
    this.#used += length;
    if (code === this.#ends.length) {
      const ends = new Float64Array(2 * code);
      ends.set(this.#ends);
      this.#ends = ends;
      const hashes = new Int32Array(2 * code);
      hashes.set(this.#hashes);
      this.#hashes = hashes;
    }
    this.#ends[code] = this.#used;
    this.#hashes[code] = hash;
    this.#slots[slot] = code;
    if (2 * this.size > this.#slots.length) this.#rehash();
    return code;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(-1);
    const mask = slots.length - 1;
    for (let code = 0; code < this.size; code++) {
      let slot = this.#hashes[code]! & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = code;
    }
    this.#slots = slots;
  }
}
