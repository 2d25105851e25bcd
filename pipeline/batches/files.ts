import { Buffer } from 'node:buffer';

/** Bytes written at a time. */
const PIECE = 1 << 20;

/** The files that a task may use. The caller opens them and passes them in. */
export interface Files {
  /** The size of a file in bytes. */
  size: (path: string) => number;
  /** Reads a file in pieces; a piece is valid until the next one is read. */
  read: (path: string) => Iterable<Uint8Array>;
  /** Appends bytes to a file, which is created if it does not exist. */
  append: (path: string, bytes: Uint8Array) => void;
  remove: (path: string) => void;
}

/** Writes a file in large pieces. The file is complete after `end`. */
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
