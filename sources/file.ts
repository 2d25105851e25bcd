import { open, realpath, stat, readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadData, messageOf } from '../contract/failures.ts';
import { type OpenKind, type SourcePlace, tooLarge } from './source.ts';

/** Opens a local file. */
export const openFile: OpenKind = async (source, options) => {
  const path = await resolveLocalPath(source, options);
  const { size } = await stat(path);
  if (size > options.limits.bytes) throw tooLarge(source, options.limits.bytes);
  // Opened here, so that a missing permission is reported before the first byte is read.
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(source, options, error);
  });
  const chunks = file.createReadStream();
  return { chunks, stamp: { etag: null, modified: null }, close: () => void chunks.destroy() };
};

/**
 * Returns the real path of a source's file, which exists and may be read.
 * @param source as in `data.source`, for messages
 * @throws BadData when it does not exist, is not a file, or this process may not read it
 */
export async function resolveLocalPath(
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
    throw unreadable(source, { confined }, error);
  }
}

function unreadable(
  source: string,
  { confined }: Pick<SourcePlace, 'confined'>,
  error: unknown,
): BadData {
  return new BadData(
    confined
      ? `data.source ${source} cannot be read on the worker (${messageOf(error)}): correct the path, or start the run on the machine that has the file, so that the command uploads it`
      : `data.source ${source} cannot be read (${messageOf(error)}): check the path`,
    { cause: error, details: { absent: true } },
  );
}

/**
 * Checks that a path is inside the project folder and not hidden. Anyone who reaches Temporal can start a run, so
 * a worker reads no other files.
 * @throws BadData when the path is outside or hidden
 */
export async function checkInside(root: string, path: string, source: string): Promise<void> {
  const inside = relative(await realpath(root), await realpath(path));
  if (inside.startsWith('..') || isAbsolute(inside) || /(^|[\\/])\./.test(inside))
    throw new BadData(
      `data.source ${source} is outside the worker's project folder, or hidden in it: start the run with the client, which uploads it`,
    );
}

/** Reads the built-in data set. */
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
