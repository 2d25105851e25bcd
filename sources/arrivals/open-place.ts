import { resolve } from 'node:path';
import { BadData, messageOf, BadParams } from '../../contract/failures.ts';
import { type Ref, isDirectory } from '../../contract/ref.ts';
import { checkInside } from '../file.ts';
import { sourceIdentity } from '../identity.ts';
import { folderPlace } from './folder.ts';
import { type Place, isForReaders } from './place.ts';
import { prefixPlace } from './prefix.ts';
import type { SourceDeps } from '../source.ts';
import type { Store } from '../../store/index.ts';

/** Whether `data.source` is a place where each new file is a batch. */
export function isPlace(source: string): boolean {
  const { kind } = sourceIdentity(source);
  return kind === 'folder' || kind === 'prefix';
}

/**
 * The folder or prefix that `data.source` names, as a worker sees it: what a client has uploaded of it, a
 * prefix, or a folder inside the project folder.
 * @throws BadData when the folder is not there, or lies outside
 */
export async function openPlace(
  { store, root, sources }: Pick<SourceDeps, 'store' | 'root' | 'sources'>,
  source: string,
  uploaded: Ref | null,
): Promise<Place> {
  if (sourceIdentity(source).kind === 'prefix') return prefixPlace(source, sources.s3);
  if (uploaded !== null) return uploadedPlace(source, uploaded, store);
  const path = resolve(root, source);
  try {
    await checkInside(root, path, source);
  } catch (error) {
    if (error instanceof BadData) throw error;
    throw new BadData(
      `data.source ${source} cannot be looked at on the worker (${messageOf(error)}): start the run with the client where the folder is, and it uploads the files, or make the folder in the worker's project folder`,
      { cause: error },
    );
  }
  return folderPlace({ where: source, path, mayRead: (file) => checkInside(root, file, source) });
}

/**
 * A folder as a client has uploaded it: a directory in the store.
 * @throws BadParams when the reference is one of a file
 */
export function uploadedPlace(
  where: string,
  uploaded: Ref,
  { artifacts }: Pick<Store, 'artifacts'>,
): Place {
  if (!isDirectory(uploaded))
    throw new BadParams(
      `the uploaded source is a file, and data.source ${where} a folder: upload a directory, or start the run with the client`,
    );
  let listed: Promise<Ref[]> | undefined;
  const files = async (): Promise<Ref[]> => {
    listed ??= artifacts.list(uploaded);
    return (await listed).filter(({ path }) => !path.includes('/') && isForReaders(path));
  };
  return {
    where,
    list: async () => ({
      files: (await files()).map(({ path, size, sha256 }) => ({
        name: path,
        size,
        stamp: null,
        sha256,
      })),
      writing: [],
    }),
    read: async ({ name }) => artifacts.get((await files()).find(({ path }) => path === name)!),
  };
}
