import { open } from 'node:fs/promises';
import { DamagedArtifact } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { digestObject } from './digest.ts';
import type { Ref } from '../contract/ref.ts';

/**
 * Brings an object to a new file of this machine, checked as it comes.
 * @throws DamagedArtifact when the object is missing or its bytes do not match.
 */
export async function download(bucket: Bucket, ref: Ref, key: string, path: string): Promise<void> {
  const file = await open(path, 'ax');
  try {
    const found = await digestObject(bucket, { key, sha256: ref.sha256 }, async () => {
      await file.truncate(0); // of a try before this one
      return (chunk) => file.appendFile(chunk);
    });
    const told = { details: { ref, key } };
    if (found === undefined)
      throw new DamagedArtifact(
        `${ref.path} is missing from the store (${key}): run its batch again to make it anew`,
        told,
      );
    if (found.sha256 !== ref.sha256)
      throw new DamagedArtifact(
        `${ref.path} in the store (${key}) no longer matches its hash: run its batch again with --force to make it anew`,
        told,
      );
  } finally {
    await file.close();
  }
}
