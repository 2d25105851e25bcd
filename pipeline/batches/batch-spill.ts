import { Buffer } from 'node:buffer';
import { copyBytes } from '../csv/write.ts';
import type { Files } from './files.ts';

/** Bytes of rows held in memory before they are written to files. */
const MOST_HELD = 1 << 26;

/** Bytes returned at a time. */
const PIECE = 1 << 20;

/** Bytes of the mark before each row, which holds its place in the batch and its length. */
const MARK = 8;

/** Initial size of the buffer of a batch. */
const FIRST_HELD = 1 << 12;

const NOTHING = Buffer.alloc(0);
const LF = 10;

/** The rows of one batch so far. */
interface HeldRows {
  /** Rows that wait in memory, each after its mark; `length` bytes are used. */
  bytes: Buffer;
  length: number;
  /** Bytes that wait in the file of the batch. */
  spilt: number;
  rows: number;
}

/**
 * Collects rows, which arrive in any order, into batches. Memory is at most twice {@link MOST_HELD}, because buffers
 * double as they grow, plus one batch. Rows that do not fit wait in one file for each batch.
 */
export class BatchSpill {
  readonly #files: Files;
  readonly #pathOf: (batch: number) => string;
  readonly #batches: (HeldRows | undefined)[] = [];
  readonly #most: number;
  readonly #piece: number;
  #total = 0;

  constructor(
    files: Files,
    pathOf: (batch: number) => string,
    { most = MOST_HELD, piece = PIECE }: { most?: number; piece?: number } = {},
  ) {
    this.#files = files;
    this.#pathOf = pathOf;
    this.#most = most;
    this.#piece = piece;
  }

  /** Adds a row to a place in a batch. The row is bytes [start, end), without its line break. */
  add(batch: number, place: number, bytes: Buffer, start: number, end: number): void {
    const length = end - start + 1;
    const held = this.#reserve(batch, MARK + length);
    held.bytes.writeUInt32LE(place, held.length);
    held.bytes.writeUInt32LE(length, held.length + 4);
    held.length += MARK;
    copyBytes(bytes, start, end, held.bytes, held.length);
    held.length += length;
    held.bytes[held.length - 1] = LF;
    held.rows++;
    this.#total += MARK + length;
    if (this.#total > this.#most) this.#spill();
  }

  /** Returns the number of rows of a batch. */
  countRows(batch: number): number {
    return this.#batches[batch]?.rows ?? 0;
  }

  /**
   * Returns the rows of a batch, with line breaks, in the order of their places. The places must be 0, 1, 2 and so
   * on, without gaps. A piece is valid until the next one is read.
   */
  *take(batch: number): Generator<Uint8Array> {
    const bytes = this.#gather(batch);
    const rows = this.countRows(batch);
    const starts = new Float64Array(rows);
    for (let at = 0; at < bytes.length;) {
      starts[bytes.readUInt32LE(at)] = at;
      at += MARK + bytes.readUInt32LE(at + 4);
    }
    const piece = Buffer.allocUnsafe(this.#piece);
    let used = 0;
    for (let row = 0; row < rows; row++) {
      const start = starts[row]! + MARK;
      const end = start + bytes.readUInt32LE(start - 4);
      if (used > 0 && used + end - start > piece.length) {
        yield piece.subarray(0, used);
        used = 0;
      }
      if (end - start > piece.length) yield bytes.subarray(start, end);
      else {
        copyBytes(bytes, start, end, piece, used);
        used += end - start;
      }
    }
    if (used > 0) yield piece.subarray(0, used);
  }

  /** Returns the rows held of a batch, with room for `more` bytes. */
  #reserve(batch: number, more: number): HeldRows {
    const held = (this.#batches[batch] ??= { bytes: NOTHING, length: 0, spilt: 0, rows: 0 });
    if (held.length + more > held.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_HELD, 2 * (held.length + more)));
      held.bytes.copy(larger, 0, 0, held.length);
      held.bytes = larger;
    }
    return held;
  }

  #spill(): void {
    this.#batches.forEach((held, batch) => {
      if (held === undefined || held.length === 0) return;
      this.#files.append(this.#pathOf(batch), held.bytes.subarray(0, held.length));
      held.spilt += held.length;
      [held.bytes, held.length] = [NOTHING, 0];
    });
    this.#total = 0;
  }

  #gather(batch: number): Buffer {
    const held = this.#batches[batch];
    if (held === undefined) return NOTHING;
    const { length, spilt } = held;
    const rest = held.bytes.subarray(0, length);
    [held.bytes, held.length, held.spilt] = [NOTHING, 0, 0];
    if (spilt === 0) return rest;
    const bytes = Buffer.allocUnsafe(spilt + length);
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
