import { appendFileSync, closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeError } from '../contract/failures.ts';
import type { Files } from '../pipeline/batches/files.ts';

/** Bytes read at a time. */
const PIECE = 1 << 20;

/** The files of this machine, for a task. The calls block, because a task has its own thread. */
export const localFiles: Files = {
  size: (path) => statSync(path).size,
  read: function* (path) {
    const file = openSync(path, 'r');
    try {
      const piece = Buffer.allocUnsafe(PIECE);
      for (;;) {
        const read = readSync(file, piece, 0, PIECE, null);
        if (read === 0) return;
        yield piece.subarray(0, read);
      }
    } finally {
      closeSync(file);
    }
  },
  append: (path, bytes) => {
    try {
      appendFileSync(path, bytes);
    } catch (error) {
      throw writeError(dirname(path), error);
    }
  },
  remove: (path) => rmSync(path, { force: true }),
};
