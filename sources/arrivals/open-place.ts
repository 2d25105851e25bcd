import { resolve } from 'node:path';
import { BadData, messageOf, BadParams } from '../../contract/failures.ts';
import { type Ref, isDirectory } from '../../contract/ref.ts';
import { checkInside } from '../file.ts';
import { sourceIdentity } from '../identity.ts';
import { openFolder } from './folder.ts';
import { type Place, isDataFile } from './place.ts';
import { openPrefix } from './prefix.ts';
import type { SourceDeps } from '../source.ts';
import type { Store } from '../../store/index.ts';

/** Whether `data.source` is a folder or prefix, where each new file is a batch. */
export function isPlace(source: string): boolean {
  const { kind } = sourceIdentity(source);
  return kind === 'folder' || kind === 'prefix';
}

/**
 * Opens the folder or prefix that `data.source` names, on a worker: a prefix, the files that a client has
 * uploaded, or a folder inside the project folder.
 * @throws BadData when the folder does not exist or is outside the project folder
 */
export async function openPlace(
  { store, root, sources }: Pick<SourceDeps, 'store' | 'root' | 'sources'>,
  source: string,
  uploaded: Ref | null,
): Promise<Place> {
  if (sourceIdentity(source).kind === 'prefix') return openPrefix(source, sources.s3);
  if (uploaded !== null) return openUpload(source, uploaded, store);
  const path = resolve(root, source);
  try {
    await checkInside(root, path, source);
  } catch (error) {
    if (error instanceof BadData) throw error;
    throw new BadData(
      `data.source ${source} cannot be listed on the worker (${messageOf(error)}): start the run on the machine that has the folder, and the client uploads the files, or create the folder in the worker's project folder`,
      { cause: error },
    );
  }
  return openFolder({
    where: source,
    path,
    checkReadable: (file) => checkInside(root, file, source),
  });
}

/**
 * Opens a folder that a client has uploaded as a directory of the store.
 * @throws BadParams when the upload is a file
 */
export function openUpload(
  where: string,
  uploaded: Ref,
  { artifacts }: Pick<Store, 'artifacts'>,
): Place {
  if (!isDirectory(uploaded))
    throw new BadParams(
      `the uploaded source is a file, and data.source ${where} is a folder: upload a directory, or start the run with the client`,
    );
  let listed: Promise<Ref[]> | undefined;
  const files = async (): Promise<Ref[]> => {
    listed ??= artifacts.list(uploaded);
    return (await listed).filter(({ path }) => !path.includes('/') && isDataFile(path));
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
