import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadData, messageOf } from '../../contract/failures.ts';
import { isDataFile, type Listing, type Place, type SeenFile } from './place.ts';

/** A file that changed within this time may still be written. It is checked again after this time. */
const SETTLE_MS = 2_000;

interface Options {
  /** The folder as a person wrote it. */
  where: string;
  /** Its path on this machine. */
  path: string;
  /** Throws BadData for a file that may not be read, for example one that a link leads to. */
  checkReadable?: (path: string) => Promise<void>;
}

/** Opens a local folder. Files in its subfolders are not read. */
export function openFolder({ where, path, checkReadable }: Options): Place {
  return {
    where,
    list: () => listFolder(where, path),
    read: async (file) => {
      const full = join(path, file.name);
      try {
        await checkReadable?.(full);
        const bytes = await readFile(full);
        return (await lookAtFile(path, file.name))?.file.stamp === file.stamp ? bytes : undefined;
      } catch (error) {
        if (error instanceof BadData) throw error;
        throw new BadData(`it cannot be read (${messageOf(error)}): check its permissions`, {
          cause: error,
        });
      }
    },
  };
}

async function listFolder(where: string, path: string): Promise<Listing> {
  let names: string[];
  try {
    const entries = await readdir(path, { withFileTypes: true });
    names = entries
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map(({ name }) => name)
      .filter(isDataFile);
  } catch (error) {
    throw new BadData(
      `data.source ${where} cannot be listed (${messageOf(error)}): check that it is a folder of this machine`,
      { cause: error },
    );
  }
  const first = await look(path, names);
  if (!first.some(({ touched }) => touched > Date.now() - SETTLE_MS))
    return { files: first.map(({ file }) => file), writing: [] };
  await sleep(SETTLE_MS);
  const second = await look(path, names);
  const before = new Map(first.map(({ file }) => [file.name, file.stamp]));
  const isSame = ({ file }: Looked): boolean => before.get(file.name) === file.stamp;
  return {
    files: second.filter(isSame).map(({ file }) => file),
    writing: second.filter((looked) => !isSame(looked)).map(({ file }) => file.name),
  };
}

interface Looked {
  file: SeenFile;
  /** When its bytes or its metadata changed last. A copy may keep the old time of its bytes. */
  touched: number;
}

async function look(path: string, names: readonly string[]): Promise<Looked[]> {
  const looked = await Promise.all(names.map((name) => lookAtFile(path, name)));
  return looked.filter((one) => one !== undefined);
}

async function lookAtFile(path: string, name: string): Promise<Looked | undefined> {
  try {
    const stats = await stat(join(path, name));
    if (!stats.isFile()) return undefined;
    const { size, mtimeMs, ctimeMs } = stats;
    const file = { name, size, stamp: `${size}-${mtimeMs}` };
    return { file, touched: Math.max(mtimeMs, ctimeMs) };
  } catch {
    return undefined; // removed after it was listed, or a link to nothing
  }
}
