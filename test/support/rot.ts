import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ref } from '../../contract/ref.ts';
import { objectKey } from '../../store/hash.ts';
import { storeInParts } from '../../store/unfinished-uploads.ts';
import type { Project } from './project.ts';

/**
 * Puts other bytes of the same size under the key of an object, with a checksum that says they are the right ones.
 * @returns the key
 */
export async function rot(
  { folder, store }: Pick<Project, 'folder' | 'store'>,
  { md5, sha256, size }: Ref,
): Promise<string> {
  const file = join(folder, 'rotten');
  writeFileSync(file, Buffer.alloc(size));
  const key = objectKey(md5);
  await storeInParts(store.bucket, key, file, { sha256, size, mark: true });
  return key;
}
