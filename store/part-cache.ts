import { open, rm } from 'node:fs/promises';
import { BadParams, DiskFull, RetrainError } from '../contract/failures.ts';
import type { Bucket } from './bucket.ts';
import { sha256 } from './hash.ts';
import type { LocalCache } from './local-cache.ts';
import type { Ref } from '../contract/ref.ts';

/** Where a worker keeps what it has read, and how much of it. */
export interface CacheOptions {
  folder: string;
  /** Bytes; past this the files not needed for longest are removed. */
  most: number;
}

/**
 * The parts that training and scoring read again for every version, kept on this machine: each is fetched
 * once. Bytes are checked at each read; what was damaged here is thrown out and fetched anew. Any number
 * of workers may share a folder: files enter whole, and one that another worker removes is fetched again.
 * What the bucket holds stays for `verify` and the stage cache to judge: they never look here.
 */
export class PartCache {
  readonly #files: LocalCache;

  constructor(files: LocalCache) {
    this.#files = files;
  }

  /**
   * The bytes of a file, in memory of their own, which may be handed to a thread.
   * @returns undefined where this machine cannot keep it: the folder is not to be written to, or full
   * @throws DamagedArtifact when it is not here and the object is missing or its bytes do not match.
   */
  async read(bucket: Bucket, ref: Ref): Promise<Uint8Array | undefined> {
    const kept = await this.#readFile(this.#files.pathOf(ref.md5), ref);
    if (kept !== undefined || ref.size > this.#files.most) return kept;
    try {
      const path = await this.#files.fetch(bucket, ref);
      return await this.#readFile(path, ref);
    } catch (error) {
      if (error instanceof RetrainError && !(error instanceof DiskFull)) throw error;
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
    await this.#files.needed(path);
    return bytes;
  }
}

/** A whole file, or undefined when it has another size than it should. */
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
 * What the environment asks for: RETRAIN_CACHE_DIR, and RETRAIN_CACHE_SIZE in megabytes.
 * @param folder where nothing else is asked for
 * @returns `most` is 0 where nothing is to be kept
 * @throws BadParams when the size is not a number of megabytes
 */
export function cacheOptions(env: NodeJS.ProcessEnv, folder: string): CacheOptions {
  const asked = env['RETRAIN_CACHE_SIZE'] ?? String(DEFAULT_MEGABYTES);
  const megabytes = asked.trim() === '' ? Number.NaN : Number(asked);
  if (!Number.isFinite(megabytes) || megabytes < 0) {
    throw new BadParams(
      `RETRAIN_CACHE_SIZE is ${JSON.stringify(asked)}, where a number of megabytes is expected: set it to 0 to keep nothing, or leave it out for ${DEFAULT_MEGABYTES}`,
    );
  }
  return { folder: env['RETRAIN_CACHE_DIR'] ?? folder, most: megabytes * 1e6 };
}
