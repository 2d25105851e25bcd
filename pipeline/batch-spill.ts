import { Buffer } from 'node:buffer';
import type { Files } from './files.ts';

/** Rows held before they are written out. */
const MOST_HELD = 1 << 26;

/** In front of each row: its place in the batch and its length. */
const MARK = 8;

/**
 * Gathers rows that come in any order into batches, in memory bounded by {@link MOST_HELD} and one batch.
 * What does not fit waits in a file for each batch.
 */
export class BatchSpill {
  readonly #files: Files;
  readonly #pathOf: (batch: number) => string;
  readonly #held = new Map<number, { bytes: Buffer; length: number }>();
  readonly #spilt = new Map<number, number>();
  readonly #most: number;
  #total = 0;

  constructor(files: Files, pathOf: (batch: number) => string, most = MOST_HELD) {
    this.#files = files;
    this.#pathOf = pathOf;
    this.#most = most;
  }

  /** Takes a row, as bytes [0, length) of `bytes`, for a place in a batch. */
  add(batch: number, place: number, bytes: Buffer, length: number): void {
    const held = this.#heldOf(batch, MARK + length);
    held.bytes.writeUInt32LE(place, held.length);
    held.bytes.writeUInt32LE(length, held.length + 4);
    bytes.copy(held.bytes, held.length + MARK, 0, length);
    held.length += MARK + length;
    this.#total += MARK + length;
    if (this.#total > this.#most) this.#spill();
  }

  /** The rows of a batch in the order of their places, which must be 0 and on without gaps. */
  *take(batch: number): Generator<Uint8Array> {
    const bytes = this.#gather(batch);
    const rows: number[] = [];
    for (let at = 0; at < bytes.length;) {
      rows[bytes.readUInt32LE(at)] = at;
      at += MARK + bytes.readUInt32LE(at + 4);
    }
    for (const at of rows) {
      yield bytes.subarray(at + MARK, at + MARK + bytes.readUInt32LE(at + 4));
    }
  }

  #heldOf(batch: number, more: number): { bytes: Buffer; length: number } {
    let held = this.#held.get(batch);
    if (held === undefined) {
      held = { bytes: Buffer.allocUnsafe(1 << 12), length: 0 };
      this.#held.set(batch, held);
    }
    if (held.length + more > held.bytes.length) {
      const larger = Buffer.allocUnsafe(2 * (held.length + more));
      held.bytes.copy(larger, 0, 0, held.length);
      held.bytes = larger;
    }
    return held;
  }

  #spill(): void {
    for (const [batch, { bytes, length }] of this.#held) {
      this.#files.append(this.#pathOf(batch), bytes.subarray(0, length));
      this.#spilt.set(batch, (this.#spilt.get(batch) ?? 0) + length);
    }
    this.#held.clear();
    this.#total = 0;
  }

  #gather(batch: number): Buffer {
    const held = this.#held.get(batch);
    const rest = held?.bytes.subarray(0, held.length) ?? Buffer.alloc(0);
    const spilt = this.#spilt.get(batch);
    this.#held.delete(batch);
    if (spilt === undefined) return rest;
    const bytes = Buffer.allocUnsafe(spilt + rest.length);
    let at = 0;
    for (const piece of this.#files.read(this.#pathOf(batch))) {
      bytes.set(piece, at);
      at += piece.length;
    }
    rest.copy(bytes, at);
    this.#files.remove(this.#pathOf(batch));
    return bytes;
  }
}
