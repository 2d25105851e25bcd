import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { OpenKind } from './source.ts';

/** The built-in data set. */
export async function readIris(): Promise<Uint8Array> {
  return readFile(fileURLToPath(new URL('./datasets/iris.csv', import.meta.url)));
}

/** Opens the built-in data set. */
export const openIris: OpenKind = async () => {
  const bytes = await readIris();
  return { chunks: once(bytes), stamp: { etag: null, modified: null }, close: () => undefined };
};

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
