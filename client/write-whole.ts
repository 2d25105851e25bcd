import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

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
