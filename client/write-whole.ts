import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, SetupError } from '../contract/failures.ts';

/** Writes a file, with its folder, so that a reader sees the old bytes or the new ones, never a part. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const half = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(half, content);
    await rename(half, path);
  } finally {
    await rm(half, { force: true });
  }
}

/**
 * Writes the file that a command was asked for with `--out`.
 * @throws SetupError when it cannot be written
 */
export async function writeResult(path: string, content: Uint8Array): Promise<void> {
  try {
    await writeWhole(path, content);
  } catch (error) {
    throw new SetupError(
      `${path} cannot be written (${messageOf(error)}): choose another file with --out`,
      { cause: error },
    );
  }
}
