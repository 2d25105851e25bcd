import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, SetupError } from '../contract/failures.ts';

/** Writes a file, with its folder, so that a reader sees the old bytes or the new ones, never a part. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const half = `${path}.${process.pid}.tmp`;
  await makeFolder(dirname(path));
  try {
    await writeFile(half, content);
    await rename(half, path);
  } finally {
    await rm(half, { force: true });
  }
}

/** Makes a folder and its parents. Where no folder can be made, as in /proc, Node's own `recursive` tries for ever. */
async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeFolder(parent);
  try {
    await mkdir(path);
  } catch (error) {
    if (!(await isFolder(path))) throw error; // another process may have made it
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
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
