import { Buffer } from 'node:buffer';

/** Bytes written at a time. */
const PIECE = 1 << 20;

/** Files as a task sees them: whoever runs it opens them, and hands them in. */
export interface Files {
  /** A file's bytes, in number. */
  size: (path: string) => number;
  /** A file's bytes piece by piece; a piece is good until the next one is asked for. */
  read: (path: string) => Iterable<Uint8Array>;
  /** Adds bytes at the end of a file, which is made if it is not there. */
  append: (path: string, bytes: Uint8Array) => void;
  remove: (path: string) => void;
}

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
