/** Characters that are collected before they are encoded. */
const PIECE = 1 << 15;
/** Bytes by which the memory grows. */
const STEP = 1 << 22;
/** What one buffer may hold on every machine. */
const LARGEST = 2 ** 32;

/**
 * Encodes text piece by piece into memory that grows in place, so that a text of any length is never held
 * twice; the memory is shared, so that it passes between threads without a copy.
 */
export class TextSink {
  readonly #memory: SharedArrayBuffer;
  readonly #bytes: Uint8Array;
  readonly #encoder = new TextEncoder();
  #pending = '';
  #length = 0;

  /** @param most bytes of all that will be added, at most: room is set aside, not taken */
  constructor(most: number) {
    this.#memory = new SharedArrayBuffer(0, { maxByteLength: Math.min(most + STEP, LARGEST) });
    this.#bytes = new Uint8Array(this.#memory);
  }

  /** Adds ASCII text. */
  add(text: string): void {
    this.#pending += text;
    if (this.#pending.length >= PIECE) this.#flush();
  }

  /** All that was added. */
  bytes(): Uint8Array {
    this.#flush();
    return new Uint8Array(this.#memory, 0, this.#length);
  }

  #flush(): void {
    const end = this.#length + this.#pending.length;
    if (end > this.#memory.byteLength) {
      const room = Math.ceil(end / STEP) * STEP;
      this.#memory.grow(Math.min(room, this.#memory.maxByteLength));
    }
    this.#encoder.encodeInto(this.#pending, this.#bytes.subarray(this.#length, end));
    this.#length = end;
    this.#pending = '';
  }
}
