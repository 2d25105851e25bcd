import { open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { BadParams, DiskFull, RetrainError } from '../errors.ts';
import type { Bucket } from './bucket.ts';
import { sha256 } from './hash.ts';
import { LocalCache } from './local-cache.ts';
import type { Ref } from './ref.ts';

/** Where a worker keeps what it has read, and how much of it. */
export interface PartCacheOptions {
  folder: string;
  /** Bytes; past this the files not read for longest are removed. */
  most: number;
}

/** The share of the bound that is left after files were removed, so that not every fetch removes some. */
const KEPT = 0.9;

/**
 * The parts that training and scoring read again for every version, kept on this machine: each is fetched
 * once. Bytes are checked at each read; what was damaged here is thrown out and fetched anew. Any number
 * of workers may share a folder: files enter whole, and one that another worker removes is fetched again.
 * What the bucket holds stays for `verify` and the stage cache to judge: they never look here.
 */
export class PartCache {
  readonly #files: LocalCache;
  readonly #options: PartCacheOptions;
  /** Bytes that entered since the folder was last measured; at first it is not known what is there. */
  #entered = Infinity;

  constructor(options: PartCacheOptions) {
    this.#files = new LocalCache(options.folder);
    this.#options = options;
  }

  /**
   * The bytes of a file, in memory that threads share.
   * @returns undefined where this machine cannot keep it: the folder is not to be written to, or full
   * @throws DamagedArtifact when it is not here and the object is missing or its bytes do not match.
   */
  async read(bucket: Bucket, ref: Ref): Promise<Uint8Array | undefined> {
    const kept = await this.#readFile(this.#files.pathOf(ref.md5), ref);
    if (kept !== undefined || ref.size > this.#options.most) return kept;
    try {
      const path = await this.#files.fetch(bucket, ref);
      const bytes = await this.#readFile(path, ref);
      this.#entered += ref.size;
      if (this.#entered > this.#options.most * (1 - KEPT)) await this.#trim();
      return bytes;
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
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return bytes;
  }

  /** Removes the files not read for longest, as many as are too many, and what killed fetches left. */
  async #trim(): Promise<void> {
    await this.#files.sweep();
    const files = await filesIn(join(this.#options.folder, 'md5'));
    files.sort((a, b) => a.read - b.read);
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#entered = 0;
    if (bytes <= this.#options.most * KEPT) return;
    for (const { path, size } of files) {
      if (bytes <= this.#options.most * KEPT) return;
      await rm(path, { force: true });
      bytes -= size;
    }
  }
}

/** A whole file, or undefined when it has another size than it should. */
async function bytesOf(path: string, size: number): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r');
  try {
    if ((await file.stat()).size !== size) return undefined;
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
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

async function filesIn(folder: string): Promise<{ path: string; size: number; read: number }[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const its = await stat(path).catch(() => undefined);
      return its?.isFile() === true ? [{ path, size: its.size, read: its.mtimeMs }] : [];
    }),
  );
  return found.flat();
}

/** Megabytes a worker keeps unless RETRAIN_CACHE_SIZE says otherwise. */
const DEFAULT_MEGABYTES = 4096;

/**
 * What the environment asks for: RETRAIN_CACHE_DIR, and RETRAIN_CACHE_SIZE in megabytes.
 * @param folder where nothing else is asked for
 * @returns undefined when the size is 0: nothing is kept
 * @throws BadParams when the size is not a number of megabytes
 */
export function partCacheOptions(
  env: NodeJS.ProcessEnv,
  folder: string,
): PartCacheOptions | undefined {
  const asked = env['RETRAIN_CACHE_SIZE'] ?? String(DEFAULT_MEGABYTES);
  const megabytes = asked.trim() === '' ? Number.NaN : Number(asked);
  if (!Number.isFinite(megabytes) || megabytes < 0) {
    throw new BadParams(
      `RETRAIN_CACHE_SIZE is ${JSON.stringify(asked)}, where a number of megabytes is expected: set it to 0 to keep nothing, or leave it out for ${DEFAULT_MEGABYTES}`,
    );
  }
  if (megabytes === 0) return undefined;
  return { folder: env['RETRAIN_CACHE_DIR'] ?? folder, most: megabytes * 1e6 };
}
