import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { openMeter } from '../../meter.ts';
import type { Ref } from '../../../contract/ref.ts';
import type { Bucket } from '../../../store/bucket.ts';
import type { LocalCache } from '../../../store/local-cache.ts';
import { inParallel } from '../../../store/parallel.ts';
import { type Plan, listParents, type WantedFile } from './plan.ts';
import { writeCheckoutState, type CheckoutState } from './working-tree.ts';

const FETCHES_AT_ONCE = 8;

/**
 * Fetches the files that are not in the local cache. All are fetched before the working tree is changed, so that
 * a damaged object leaves the tree as it is.
 * @returns the path of each file in the cache, and how many bytes came from the store
 */
export async function fetchMissing(
  { bucket, pipeline }: { bucket: Bucket; pipeline: string },
  cache: LocalCache,
  refs: readonly Ref[],
  signal: AbortSignal,
): Promise<{ cached: (ref: Ref) => string; fetchedBytes: number }> {
  const places = new Map<string, string>();
  const wanted = new Map(refs.map((ref) => [ref.md5, ref]));
  let fetchedBytes = 0;
  const meter = openMeter('fetching');
  meter.expect([...wanted.values()].reduce((sum, { size }) => sum + size, 0));
  const fetch = async (ref: Ref): Promise<void> => {
    const place = await cache.find(ref);
    places.set(ref.md5, place ?? (await cache.fetch(bucket, ref, pipeline)));
    if (place === undefined) fetchedBytes += ref.size;
    meter.add(ref.size);
  };
  try {
    await inParallel(wanted.values(), FETCHES_AT_ONCE, fetch, signal);
  } finally {
    meter.stop();
  }
  return { cached: ({ md5 }) => places.get(md5)!, fetchedBytes };
}

const COPIES_AT_ONCE = 4;

/** A planned checkout whose bytes are in the local cache. */
export interface Decided {
  folder: string;
  version: { pipeline: string; version: number };
  wanted: ReadonlyMap<string, WantedFile>;
  plan: Plan;
  /** What earlier checkouts have written. */
  state: CheckoutState | undefined;
  /** The path of a file's bytes in the local cache. */
  cached: (ref: Ref) => string;
  signal: AbortSignal;
}

/**
 * Changes the working tree to the wanted files. It first notes what it will write, so that a later checkout
 * knows the files of a killed one. A file that already has the wanted bytes is kept, and is not ours.
 */
export async function writeCheckout({ folder, ...decided }: Decided): Promise<void> {
  const { wanted, plan } = decided;
  const state: CheckoutState = {
    schema: 1,
    ...decided.version,
    folders: decided.state?.folders ?? [],
    files: { ...decided.state?.files },
  };
  for (const path of plan.write)
    state.files[path] = { sha256: wanted.get(path)!.ref.sha256, size: -1, mtime_ms: -1 };
  await writeCheckoutState(folder, state);
  for (const path of plan.remove) {
    await rm(join(folder, path));
    delete state.files[path];
  }
  state.folders = await removeEmpty(folder, state.folders, wanted);
  state.folders.push(...(await makeFolders(folder, plan.write)));
  await writeCheckoutState(folder, state);
  await copyAll(folder, decided);
  for (const [path, { sha256 }] of Object.entries(state.files)) {
    const left = wanted.has(path) ? await stat(join(folder, path)) : undefined;
    if (left === undefined) delete state.files[path];
    else state.files[path] = { sha256, size: left.size, mtime_ms: left.mtimeMs };
  }
  await writeCheckoutState(folder, state);
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
    await inParallel(plan.write, COPIES_AT_ONCE, copy, signal);
  } finally {
    meter.stop();
  }
}

/** Copies a file so that a reader sees the old one or the new one, never half. It copies by reference if it can. */
async function copyWhole(from: string, to: string): Promise<void> {
  const half = join(dirname(to), `.${basename(to)}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    await copyFile(from, half, constants.COPYFILE_FICLONE);
    await rename(half, to);
  } finally {
    await rm(half, { force: true });
  }
}

/** @returns the folders that it made */
async function makeFolders(folder: string, paths: readonly string[]): Promise<string[]> {
  const made: string[] = [];
  for (const path of new Set(paths.flatMap(listParents))) {
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
 * Removes folders that checkouts made and that are empty now.
 * @returns those that stay
 */
async function removeEmpty(
  folder: string,
  ours: readonly string[],
  wanted: ReadonlyMap<string, WantedFile>,
): Promise<string[]> {
  const needed = new Set([...wanted.keys()].flatMap(listParents));
  const stay: string[] = [];
  const innermostFirst = [...ours].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const path of innermostFirst) {
    if (needed.has(path)) stay.push(path);
    else if (!(await tryRemove(join(folder, path)))) stay.push(path);
  }
  return stay;
}

async function tryRemove(folder: string): Promise<boolean> {
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
