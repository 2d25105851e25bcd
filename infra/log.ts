import { closeSync, fstatSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const KEEP_BYTES = 20 * 1024 * 1024;

/** Sets a log past 20 MB aside as `<file>.1`, over the one before; called while nobody writes to it. */
export function rotate(file: string): void {
  try {
    if (statSync(file).size > KEEP_BYTES) renameSync(file, `${file}.1`);
  } catch {
    // no log yet
  }
}

/** The last lines of a log that say something, at most `count`; empty when there is no log. */
export function lastLines(file: string, count = 8): string[] {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 16_384));
    readSync(fd, tail, 0, tail.length, size - tail.length);
    return tail
      .toString('utf8')
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '')
      .slice(-count);
  } finally {
    closeSync(fd);
  }
}

/** "its log … ends with:" and those lines, for the end of a sentence about a failure. */
export function quoteLog(file: string): string {
  const lines = lastLines(file);
  if (lines.length === 0) return `its log ${file} is empty`;
  return `its log ${file} ends with:\n${lines.map((line) => `    ${line}`).join('\n')}`;
}
