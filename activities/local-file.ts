import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeError } from '../errors.ts';
import type { Ref } from '../store/ref.ts';
import type { Deps } from './deps.ts';

/** The path of a stored file's bytes on this machine, whole and never to be written to; fetched unless they are there. */
export async function localFile(
  { store, local }: Pick<Deps, 'store' | 'local'>,
  ref: Ref,
): Promise<string> {
  return (await local.find(ref)) ?? local.fetch(store.bucket, ref);
}

/**
 * Does some work with a folder of its own, which is gone afterwards.
 * @throws DiskFull when there is no room for one
 */
export async function withScratch<T>(
  { root }: Pick<Deps, 'root'>,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const scratch = join(root, '.retrain', 'scratch');
  const folder = await newFolder(scratch);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function newFolder(scratch: string): Promise<string> {
  try {
    await mkdir(scratch, { recursive: true });
    return await mkdtemp(join(scratch, `${process.pid}-`));
  } catch (error) {
    throw writeError(scratch, error);
  }
}
