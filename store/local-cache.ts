import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeError } from '../errors.ts';
import { objectKey } from './artifacts.ts';
import type { Bucket } from './bucket.ts';
import { digest } from './digest.ts';
import { download } from './download.ts';
import type { Ref } from './ref.ts';

/** What a process that was killed left half fetched is rubbish after a day. */
const STALE_MS = 86_400_000;

/**
 * Files of the store kept on this machine under their hash (`md5/ab/cdef…`), so that none is fetched
 * twice. A file enters whole and checked, under a name of its own first, so that any number of
 * processes may share the folder.
 */
export class LocalCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether the bytes of this file, which may stand anywhere, have entered. */
  async holdsCopyOf(file: string): Promise<boolean> {
    const hash = createHash('md5');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
    return (await sizeOf(this.pathOf(hash.digest('hex')))) !== undefined;
  }

  /**
   * The path of a file's bytes, read and found whole; never to be written to.
   * @returns undefined when they have not entered. What has been damaged since is thrown out.
   */
  async find(ref: Ref): Promise<string | undefined> {
    const path = this.pathOf(ref.md5);
    const size = await sizeOf(path);
    if (size === undefined) return undefined;
    if (size === ref.size && (await digest(createReadStream(path))).sha256 === ref.sha256)
      return path;
    await rm(path, { force: true });
    return undefined;
  }

  /**
   * Fetches a file's bytes from the store.
   * @returns where they stand now
   * @throws DamagedArtifact when the object is missing or its bytes do not match, DiskFull when there is no
   * room for it here.
   */
  async fetch(bucket: Bucket, ref: Ref): Promise<string> {
    const path = this.pathOf(ref.md5);
    const half = join(
      this.#halves(),
      `${ref.md5}.${process.pid}.${randomBytes(4).toString('hex')}`,
    );
    try {
      await Promise.all([dirname(path), dirname(half)].map((at) => mkdir(at, { recursive: true })));
      await download(bucket, ref, objectKey(ref.md5), half);
      await rename(half, path);
    } catch (error) {
      throw writeError(this.#folder, error);
    } finally {
      await rm(half, { force: true });
    }
    return path;
  }

  /** Removes what fetches that were killed left behind. */
  async sweep(): Promise<void> {
    const names = await readdir(this.#halves()).catch(() => []);
    for (const name of names) {
      const path = join(this.#halves(), name);
      const left = await stat(path).catch(() => undefined);
      if (left !== undefined && Date.now() - left.mtimeMs > STALE_MS)
        await rm(path, { force: true });
    }
  }

  /** Where the file of this hash stands, or would. */
  pathOf(md5: string): string {
    return join(this.#folder, 'md5', md5.slice(0, 2), md5.slice(2));
  }

  #halves(): string {
    return join(this.#folder, 'tmp');
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
