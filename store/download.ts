import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'node:fs/promises';
import { StorageUnavailable, DamagedArtifact } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import type { Ref } from '../contract/ref.ts';

/**
 * What bytes come to. MD5 is left out, which would take twice the time of the rest: an object stands
 * under its own, so bytes of the right SHA-256 under another MD5 are found nowhere.
 */
export type Digest = Pick<Ref, 'sha256' | 'size'>;

/** A connection may break within a long read; each try begins anew. */
const TRIES = 3;

/**
 * Reads an object to its end, in memory that does not grow with it. Bytes can be spoilt on their way
 * too: what does not match is looked at once more.
 * @param begin is called before each try and gives what takes the bytes
 * @returns undefined when there is no such object
 */
export async function digestObject(
  bucket: Bucket,
  { key, sha256 }: { key: string; sha256: string },
  begin: () => Promise<(chunk: Uint8Array) => unknown>,
): Promise<Digest | undefined> {
  let spoilt = false;
  for (let tried = 1; ; tried++) {
    try {
      const sink = await begin();
      const object = await bucket.open(key);
      const found = object === undefined ? undefined : await digest(object.chunks, sink);
      if (found === undefined || found.sha256 === sha256 || spoilt) return found;
      spoilt = true;
    } catch (error) {
      if (!(error instanceof StorageUnavailable) || tried === TRIES) throw error;
      await sleep(tried * 500);
    }
  }
}

/** The hashes and the size of a stream of bytes, handed on as they pass. */
export async function digest(
  chunks: AsyncIterable<Uint8Array>,
  sink?: (chunk: Uint8Array) => unknown,
): Promise<Digest> {
  const sha256 = createHash('sha256');
  let size = 0;
  for await (const chunk of chunks) {
    sha256.update(chunk);
    size += chunk.byteLength;
    await sink?.(chunk);
  }
  return { sha256: sha256.digest('hex'), size };
}

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
