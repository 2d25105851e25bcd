import { join } from 'node:path';
import { withOwnFolder } from './own-folder.ts';
import type { Ref } from '../contract/ref.ts';
import type { Store } from './index.ts';
import type { LocalCache } from './local-cache.ts';

/** The path of a stored file's bytes on this machine, whole and never to be written to; fetched unless they are there. */
export async function localFile(
  { store, local }: { store: Pick<Store, 'bucket'>; local: LocalCache },
  ref: Ref,
): Promise<string> {
  return (await local.find(ref)) ?? local.fetch(store.bucket, ref);
}

/**
 * Does some work with a folder of its own, which is gone afterwards.
 * @throws DiskFull when there is no room for one
 */
export async function withScratch<T>(
  { root }: { root: string },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  return withOwnFolder(scratchFolder(root), 'scratch', work);
}

/** Where a worker's folders for work under way are. */
export function scratchFolder(root: string): string {
  return join(root, '.retrain', 'scratch');
}
