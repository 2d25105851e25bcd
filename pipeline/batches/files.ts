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
