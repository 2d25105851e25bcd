import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The most bytes of a file of settings. */
export const MOST_SETTINGS = 2 ** 20;

/**
 * Reads a text file that a person or another program wrote and that is small.
 * @param most the most bytes that are read
 * @throws Error in a few words when it is larger, or not a regular file
 */
export async function readSmallFile(path: string, most = MOST_SETTINGS): Promise<string> {
  // Without waiting: a named pipe has no end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('it is not a regular file');
    if (stats.size > most) throw new Error(`it has ${stats.size} bytes, more than ${most}`);
    const { size } = stats;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
