import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from 'node:fs/promises';
import { quoteVerifyAll } from '../contract/command.ts';
import { StorageUnavailable, DamagedArtifact } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import type { Ref } from '../contract/ref.ts';

/**
 * The SHA-256 and the size of some bytes. MD5 is not computed: it would double the time, and bytes with the
 * right SHA-256 are the right bytes.
 */
export type Digest = Pick<Ref, 'sha256' | 'size'>;

/** A connection can break during a long read. Each try starts from the beginning. */
const TRIES = 3;

/**
 * Reads an object to its end. Memory does not grow with it. The network can damage bytes too, so an object
 * that does not match is read a second time.
 * @param begin called before each try; returns the function that receives the bytes
 * @returns undefined when there is no such object
 */
export async function digestObject(
  bucket: Bucket,
  { key, sha256 }: { key: string; sha256: string },
  begin: () => Promise<(chunk: Uint8Array) => unknown>,
): Promise<Digest | undefined> {
  let isSecond = false;
  for (let tried = 1; ; tried++) {
    try {
      const sink = await begin();
      const object = await bucket.open(key);
      const found = object === undefined ? undefined : await digest(object.chunks, sink);
      if (found === undefined || found.sha256 === sha256 || isSecond) return found;
      isSecond = true;
    } catch (error) {
      if (!(error instanceof StorageUnavailable) || tried === TRIES) throw error;
      await sleep(tried * 500);
    }
  }
}

/** Hashes a stream of bytes and passes each chunk to `sink`. */
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
 * Reads an object into a file of this machine. Memory does not grow with it.
 * @param flags `ax` for a new file, `a` to replace a file
 * @returns undefined when there is no such object
 */
export async function digestToFile(
  bucket: Bucket,
  object: { key: string; sha256: string },
  path: string,
  flags: 'ax' | 'a',
): Promise<Digest | undefined> {
  // With these flags each write goes to the end of the file. With `w` a second try would leave a gap before it.
  const file = await open(path, flags);
  try {
    return await digestObject(bucket, object, async () => {
      await file.truncate(0); // removes what an earlier try wrote
      return (chunk) => file.appendFile(chunk);
    });
  } finally {
    await file.close();
  }
}

/**
 * Downloads an object to a new file of this machine, and checks its bytes.
 * @param pipeline for the error
 * @throws DamagedArtifact when the object is missing or its bytes do not match
 */
export async function download(
  bucket: Bucket,
  ref: Ref,
  key: string,
  path: string,
  pipeline?: string,
): Promise<void> {
  const found = await digestToFile(bucket, { key, sha256: ref.sha256 }, path, 'ax');
  if (found?.sha256 !== ref.sha256) throw damagedError(ref, key, found === undefined, pipeline);
}

/**
 * The error for an artifact whose object is missing, or whose bytes do not match its reference.
 * @param pipeline whose artifact it is, if that is known
 */
export function damagedError(
  ref: Ref,
  key: string,
  isMissing: boolean,
  pipeline?: string,
): DamagedArtifact {
  const fault = isMissing
    ? `is missing from the bucket (${key})`
    : `in the bucket (${key}) no longer matches its hash`;
  return new DamagedArtifact(
    `${ref.path} ${fault}: make it again with ${quoteVerifyAll(' --repair', pipeline)}; if only a trial or an unfinished run has it, start that again, and if only an earlier build has it, restore it from a backup`,
    { details: { ref, key } },
  );
}
