import { open, realpath, stat, readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadData, messageOf } from '../contract/failures.ts';
import { type OpenKind, type SourcePlace, tooLarge } from './source.ts';

/** Opens a local file. */
export const openFile: OpenKind = async (source, options) => {
  const path = await localPath(source, options);
  const { size } = await stat(path);
  if (size > options.limits.bytes) throw tooLarge(source, options.limits.bytes);
  // Opened before its bytes are asked for: that it may not be read is known at once.
  const file = await open(path).catch((error: unknown) => {
    throw notToBeRead(source, options, error);
  });
  const chunks = file.createReadStream();
  return { chunks, stamp: { etag: null, modified: null }, close: () => void chunks.destroy() };
};

/**
 * Where a source's file is, found and allowed to be read.
 * @param source as in `data.source`, for the sentence
 * @throws BadData when it is not there, no file, or not to be read by this process
 */
export async function localPath(
  source: string,
  { root, confined }: Pick<SourcePlace, 'root' | 'confined'>,
  file: string = source,
): Promise<string> {
  try {
    const path = await realpath(resolve(root, file));
    if (confined) await checkInside(root, path, source);
    if (!(await stat(path)).isFile())
      throw new BadData(
        `data.source ${source} is not a file: give the path of a CSV file, or of a folder with a / at its end`,
      );
    return path;
  } catch (error) {
    if (error instanceof BadData) throw error;
    throw notToBeRead(source, { confined }, error);
  }
}

function notToBeRead(
  source: string,
  { confined }: Pick<SourcePlace, 'confined'>,
  error: unknown,
): BadData {
  return new BadData(
    confined
      ? `data.source ${source} cannot be read on the worker (${messageOf(error)}): start the run with the client where the file is, and it uploads it`
      : `data.source ${source} cannot be read (${messageOf(error)}): check the path`,
    { cause: error, details: { absent: true } },
  );
}

/**
 * A run may be started by anyone who reaches Temporal, so a worker reads files of its project folder only.
 * @throws BadData when the path leads elsewhere, or to something hidden
 */
export async function checkInside(root: string, path: string, source: string): Promise<void> {
  const inside = relative(await realpath(root), await realpath(path));
  if (inside.startsWith('..') || isAbsolute(inside) || /(^|[\\/])\./.test(inside))
    throw new BadData(
      `data.source ${source} lies outside the worker's project folder, or is hidden in it: start the run with the client, which uploads it`,
    );
}

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
