import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { inParallel } from '../../store/parallel.ts';
import type { Ref } from '../../contract/ref.ts';
import type { Plan } from './plan.ts';
import { writeState, type CheckoutState } from './state.ts';
import { parentsOf, type WantedFile } from './wanted.ts';
import { openMeter } from '../meter.ts';

const AT_ONCE = 4;

/** A checkout that is decided on, with the bytes it needs on this machine. */
export interface Decided {
  folder: string;
  version: { pipeline: string; version: number };
  wanted: ReadonlyMap<string, WantedFile>;
  plan: Plan;
  /** What earlier checkouts left. */
  state: CheckoutState | undefined;
  /** Where the bytes of a file to write stand. */
  cached: (ref: Ref) => string;
  signal: AbortSignal;
}

/**
 * Brings the working tree to what is wanted. What it is about to write is written down first, so that a
 * checkout that was killed leaves no file that a later one would not know as ours; a file that was there
 * already is kept and stays the person's.
 */
export async function writeTree({ folder, ...decided }: Decided): Promise<void> {
  const { wanted, plan } = decided;
  const state: CheckoutState = {
    schema: 1,
    ...decided.version,
    folders: decided.state?.folders ?? [],
    files: { ...decided.state?.files },
  };
  for (const path of plan.write)
    state.files[path] = { sha256: wanted.get(path)!.ref.sha256, size: -1, mtime_ms: -1 };
  await writeState(folder, state);
  for (const path of plan.remove) {
    await rm(join(folder, path));
    delete state.files[path];
  }
  state.folders = await removeEmpty(folder, state.folders, wanted);
  state.folders.push(...(await makeFolders(folder, plan.write)));
  await writeState(folder, state);
  await copyAll(folder, decided);
  for (const [path, { sha256 }] of Object.entries(state.files)) {
    const left = wanted.has(path) ? await stat(join(folder, path)) : undefined;
    if (left === undefined) delete state.files[path];
    else state.files[path] = { sha256, size: left.size, mtime_ms: left.mtimeMs };
  }
  await writeState(folder, state);
}

async function copyAll(
  folder: string,
  { wanted, plan, cached, signal }: Omit<Decided, 'folder'>,
): Promise<void> {
  const refOf = (path: string): Ref => wanted.get(path)!.ref;
  const meter = openMeter('writing');
  meter.expect(plan.write.reduce((sum, path) => sum + refOf(path).size, 0));
  const copy = async (path: string): Promise<void> => {
    await copyWhole(cached(refOf(path)), join(folder, path));
    meter.add(refOf(path).size);
  };
  try {
    await inParallel(plan.write, AT_ONCE, copy, signal);
  } finally {
    meter.stop();
  }
}

/** A reader sees the old file or the new one, never half; copied by reference where the system can. */
async function copyWhole(from: string, to: string): Promise<void> {
  const half = join(dirname(to), `.${basename(to)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await copyFile(from, half, constants.COPYFILE_FICLONE);
    await rename(half, to);
  } finally {
    await rm(half, { force: true });
  }
}

/** @returns the folders that were not there and have been made. */
async function makeFolders(folder: string, paths: readonly string[]): Promise<string[]> {
  const made: string[] = [];
  for (const path of new Set(paths.flatMap(parentsOf))) {
    try {
      await mkdir(join(folder, path));
      made.push(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return made;
}

/**
 * Removes folders that checkouts made and that nothing is left in.
 * @returns those that stay.
 */
async function removeEmpty(
  folder: string,
  ours: readonly string[],
  wanted: ReadonlyMap<string, WantedFile>,
): Promise<string[]> {
  const needed = new Set([...wanted.keys()].flatMap(parentsOf));
  const stay: string[] = [];
  const innermostFirst = [...ours].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const path of innermostFirst) {
    if (needed.has(path)) stay.push(path);
    else if (!(await removed(join(folder, path)))) stay.push(path);
  }
  return stay;
}

async function removed(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) return false;
    throw error;
  }
}
