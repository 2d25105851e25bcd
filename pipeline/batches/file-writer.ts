import { Buffer } from 'node:buffer';
import type { Files } from './files.ts';

/** Bytes written at a time. */
const PIECE = 1 << 20;

/** Writes a file in large pieces, whatever it is given; it is whole once `end` has been called. */
export class FileWriter {
  readonly #path: string;
  readonly #files: Files;
  readonly #piece = Buffer.allocUnsafe(PIECE);
  #used = 0;

  constructor(path: string, files: Files) {
    this.#path = path;
    this.#files = files;
  }

  add(bytes: Uint8Array): void {
    if (this.#used + bytes.length > PIECE) this.end();
    if (bytes.length > PIECE) return this.#files.append(this.#path, bytes);
    this.#piece.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  end(): void {
    this.#files.append(this.#path, this.#piece.subarray(0, this.#used));
    this.#used = 0;
  }
}
