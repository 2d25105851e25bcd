import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadData, messageOf } from '../../contract/failures.ts';
import { isForReaders, type Listing, type Place, type SeenFile } from './place.ts';

/** A file touched within this time may still be written: it is looked at again when it has passed. */
const SETTLE_MS = 2_000;

interface Options {
  /** The folder as a person wrote it. */
  where: string;
  /** Where it is. */
  path: string;
  /** Says no, by a BadData, to a file that a link leads out of where it may be read. */
  mayRead?: (path: string) => Promise<void>;
}

/** The files of a local folder; those of folders in it are not looked at. */
export function folderPlace({ where, path, mayRead }: Options): Place {
  return {
    where,
    list: () => listFolder(where, path),
    read: async (file) => {
      const full = join(path, file.name);
      try {
        await mayRead?.(full);
        const bytes = await readFile(full);
        return (await seen(path, file.name))?.file.stamp === file.stamp ? bytes : undefined;
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
      .filter(isForReaders);
  } catch (error) {
    throw new BadData(
      `data.source ${where} cannot be looked at (${messageOf(error)}): check that it is a folder here`,
      { cause: error },
    );
  }
  const first = await look(path, names);
  if (!first.some(({ touched }) => touched > Date.now() - SETTLE_MS))
    return { files: first.map(({ file }) => file), writing: [] };
  await sleep(SETTLE_MS);
  const second = await look(path, names);
  const before = new Map(first.map(({ file }) => [file.name, file.stamp]));
  const still = ({ file }: Looked): boolean => before.get(file.name) === file.stamp;
  return {
    files: second.filter(still).map(({ file }) => file),
    writing: second.filter((looked) => !still(looked)).map(({ file }) => file.name),
  };
}

interface Looked {
  file: SeenFile;
  /** When its bytes or its metadata last changed: a copy may carry an old time of its own. */
  touched: number;
}

async function look(path: string, names: readonly string[]): Promise<Looked[]> {
  const looked = await Promise.all(names.map((name) => seen(path, name)));
  return looked.filter((one) => one !== undefined);
}

async function seen(path: string, name: string): Promise<Looked | undefined> {
  try {
    const stats = await stat(join(path, name));
    if (!stats.isFile()) return undefined;
    const { size, mtimeMs, ctimeMs } = stats;
    const file = { name, size, stamp: `${size}-${mtimeMs}` };
    return { file, touched: Math.max(mtimeMs, ctimeMs) };
  } catch {
    return undefined; // gone since it was listed, or a link to nothing
  }
}
