import { BadParams } from '../../contract/failures.ts';
import type { Store } from '../../store/index.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';
import { isForReaders, type Place } from './place.ts';

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
