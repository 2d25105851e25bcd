import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BadData } from '../../contract/failures.ts';
import { digest } from '../../store/download.ts';
import type { LocalCache } from '../../store/local-cache.ts';
import { inParallel } from '../../store/parallel.ts';
import type { FoundFile } from './plan.ts';
import type { CheckoutState } from './state.ts';
import { parentsOf, type WantedFile } from './wanted.ts';
import { openMeter } from '../meter.ts';

const AT_ONCE = 4;

/** A working tree, and what is known of it. */
export interface WorkingTree {
  /** Absolute. */
  folder: string;
  /** What checkouts have left there. */
  state: CheckoutState | undefined;
  /** What any checkout of this project has brought. */
  cache: LocalCache;
}

/**
 * What stands at the paths a version wants and at those that earlier checkouts wrote; a path where
 * nothing stands is left out. A file of the size and time it was left with is not read again.
 * @throws BadData when something other than a file stands where a file belongs, or than a folder where one does.
 */
export async function lookAround(
  { folder, state, cache }: WorkingTree,
  wanted: ReadonlyMap<string, WantedFile>,
): Promise<Map<string, FoundFile>> {
  for (const parent of new Set([...wanted.keys()].flatMap(parentsOf)))
    if ((await statOf(join(folder, parent)))?.isDirectory() === false)
      throw misplaced(join(folder, parent), 'folder');
  const found = new Map<string, FoundFile>();
  const meter = openMeter('comparing');
  const paths = new Set([...wanted.keys(), ...Object.keys(state?.files ?? {})]);
  const look = async (path: string): Promise<void> => {
    const file = join(folder, path);
    const at = await statOf(file);
    if (at === undefined) return;
    if (!at.isFile()) throw misplaced(file, 'file');
    const left = state?.files[path];
    const untouched = left !== undefined && left.size === at.size && left.mtime_ms === at.mtimeMs;
    const sha256 = untouched ? left.sha256 : (await digest(createReadStream(file))).sha256;
    const known =
      sha256 === left?.sha256 ||
      sha256 === wanted.get(path)?.ref.sha256 ||
      (await cache.holdsCopyOf(file));
    found.set(path, { sha256, known });
    meter.add(at.size);
  };
  try {
    await inParallel(paths, AT_ONCE, look);
    return found;
  } finally {
    meter.stop();
  }
}

function misplaced(path: string, belongs: 'file' | 'folder'): BadData {
  return new BadData(
    `${path} is not a ${belongs}, and one belongs there: move it elsewhere and check out again`,
  );
}

async function statOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
