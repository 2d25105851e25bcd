import { createReadStream, type Stats } from 'node:fs';
import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { openMeter } from '../../meter.ts';
import { writeWhole } from '../../write-whole.ts';
import { BadData } from '../../../contract/failures.ts';
import { isVisiblePath } from '../../../contract/paths.ts';
import { MOST_LISTING } from '../../../store/documents.ts';
import { readSmallFile } from '../../../store/small-file.ts';
import { digest } from '../../../store/download.ts';
import type { LocalCache } from '../../../store/local-cache.ts';
import { inParallel } from '../../../store/parallel.ts';
import { type FoundFile, listParents, type WantedFile } from './plan.ts';

const AT_ONCE = 4;

/** A working tree, and the notes about it. */
export interface WorkingTree {
  /** Absolute. */
  folder: string;
  /** The files that earlier checkouts wrote there. */
  state: CheckoutState | undefined;
  /** The files that checkouts of this project have fetched. */
  cache: LocalCache;
}

/**
 * The files at the paths of a version and at the paths that earlier checkouts wrote. A file that still has the
 * size and time it was written with is not read again.
 * @throws BadData when something else is where a file or a folder belongs
 */
export async function readWorkingTree(
  { folder, state, cache }: WorkingTree,
  wanted: ReadonlyMap<string, WantedFile>,
): Promise<Map<string, FoundFile>> {
  const paths = new Set([...wanted.keys(), ...Object.keys(state?.files ?? {})]);
  for (const parent of new Set([...paths].flatMap(listParents))) {
    const at = await statIfThere(join(folder, parent));
    if (at?.isDirectory() === false) throw misplaced(join(folder, parent), 'folder', at);
  }
  const found = new Map<string, FoundFile>();
  const meter = openMeter('comparing');
  const look = async (path: string): Promise<void> => {
    const file = join(folder, path);
    const at = await statIfThere(file);
    if (at === undefined) return;
    if (!at.isFile()) throw misplaced(file, 'file', at);
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

/** A link could lead out of the working tree, so it is not followed. */
function misplaced(path: string, belongs: 'file' | 'folder', at: Stats): BadData {
  const what = at.isSymbolicLink() ? `is a symbolic link, not a ${belongs}` : `is not a ${belongs}`;
  return new BadData(
    `${path} ${what}, and checkout needs one there: move it elsewhere and check out again`,
  );
}

async function statIfThere(file: string): Promise<Stats | undefined> {
  try {
    return await lstat(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The folder in a working tree in which this program keeps its notes. */
const NOTES = '.retrain';

const stateSchema = z.strictObject({
  schema: z.literal(1),
  pipeline: z.string(),
  version: z.int(),
  /** Folders that checkouts have made. */
  folders: z.array(z.string().refine(isVisiblePath)),
  /** What checkouts have written, by path. A file with the same size and time need not be read again. */
  files: z.record(
    z.string().refine(isVisiblePath),
    z.strictObject({ sha256: z.string(), size: z.number(), mtime_ms: z.number() }),
  ),
});

/** The files and folders that checkouts have written in a working tree. */
export type CheckoutState = z.infer<typeof stateSchema>;

/**
 * Reads what the last checkout wrote in a folder. If this note is lost, no data is lost: a file then counts as
 * ours only if the local cache has its bytes, and no file is removed.
 */
export async function readCheckoutState(folder: string): Promise<CheckoutState | undefined> {
  try {
    const text = await readSmallFile(stateFile(folder), MOST_LISTING);
    return stateSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    const { code = 'ENOENT' } = error as NodeJS.ErrnoException; // not JSON, or too large to be our notes
    if (code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function writeCheckoutState(folder: string, state: CheckoutState): Promise<void> {
  await writeWhole(stateFile(folder), `${JSON.stringify(state, null, 2)}\n`);
}

/** Makes the working tree, and in it the folder of our notes, which git must ignore. */
export async function makeNotes(folder: string): Promise<void> {
  const notes = join(folder, NOTES);
  await mkdir(notes, { recursive: true });
  await writeFile(join(notes, '.gitignore'), '*\n');
}

/** Held by the process that checks out into the folder. */
export function lockFile(folder: string): string {
  return join(folder, NOTES, 'lock');
}

function stateFile(folder: string): string {
  return join(folder, NOTES, 'checkout.json');
}
