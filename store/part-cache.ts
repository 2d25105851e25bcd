import { open, rm } from 'node:fs/promises';
import { BadParams, DiskFull, RetrainError, SetupError } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { sha256 } from './hash.ts';
import type { LocalCache } from './local-cache.ts';
import type { Ref } from '../contract/ref.ts';

/**
 * Keeps on this machine the parts that training and scoring read for every version, so that each is fetched
 * once. Bytes are checked at each read, and a damaged file is removed and fetched again. Any number of workers
 * may share a folder. `verify` and the stage cache never look here: they check the bucket.
 */
export class PartCache {
  readonly #files: LocalCache;

  constructor(files: LocalCache) {
    this.#files = files;
  }

  /**
   * Returns the bytes of a file, in memory that may be transferred to a thread.
   * @param pipeline whose artifact it is, if that is known; errors name it
   * @returns undefined when this machine cannot keep the file: its folder is full or not writable
   * @throws DamagedArtifact when the file is not here and the object is missing or its bytes do not match
   */
  async read(bucket: Bucket, ref: Ref, pipeline?: string): Promise<Uint8Array | undefined> {
    const kept = await this.#readFile(this.#files.pathOf(ref.md5), ref);
    if (kept !== undefined || ref.size > this.#files.most) return kept;
    try {
      const path = await this.#files.fetch(bucket, ref, pipeline);
      return await this.#readFile(path, ref);
    } catch (error) {
      const isOfThisMachine = error instanceof DiskFull || error instanceof SetupError;
      if (error instanceof RetrainError && !isOfThisMachine) throw error;
      return undefined;
    }
  }

  async #readFile(path: string, ref: Ref): Promise<Uint8Array | undefined> {
    const bytes = await bytesOf(path, ref.size).catch(() => undefined);
    if (bytes === undefined) return undefined;
    if (sha256(bytes) !== ref.sha256) {
      await rm(path, { force: true });
      return undefined;
    }
    await this.#files.markNeeded(path);
    return bytes;
  }
}

/** Returns the bytes of a file, or undefined when it has the wrong size. */
async function bytesOf(path: string, size: number): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r');
  try {
    if ((await file.stat()).size !== size) return undefined;
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(bytes, at, size - at, at);
      if (bytesRead === 0) return undefined;
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/** Megabytes a worker keeps unless RETRAIN_CACHE_SIZE says otherwise. */
const DEFAULT_MEGABYTES = 4096;

/**
 * Reads RETRAIN_CACHE_SIZE, in megabytes.
 * @returns bytes; 0 when nothing is to be kept
 * @throws BadParams when the size is not a number of megabytes
 */
export function readCacheSize(env: NodeJS.ProcessEnv): number {
  const asked = env['RETRAIN_CACHE_SIZE'] ?? String(DEFAULT_MEGABYTES);
  const megabytes = asked.trim() === '' ? Number.NaN : Number(asked);
  if (!Number.isFinite(megabytes) || megabytes < 0) {
    throw new BadParams(
      `RETRAIN_CACHE_SIZE is ${JSON.stringify(asked)}, where a number of megabytes is expected: set it to 0 to keep nothing, or leave it out for ${DEFAULT_MEGABYTES}`,
    );
  }
  return megabytes * 1e6;
}
