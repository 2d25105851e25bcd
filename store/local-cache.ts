import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeError } from '../contract/failures.ts';
import { objectKey } from './hash.ts';
import type { Bucket } from './bucket.ts';
import { digest, download } from './download.ts';
import type { Ref } from '../contract/ref.ts';

/** What a process that was killed left half fetched is rubbish after a day. */
const STALE_MS = 86_400_000;

/**
 * A file that was handed out stays at least this long, for whoever was given its path opens it later: its
 * time of change says until when, so that every process that shares the folder knows.
 */
const HANDED_OUT_MS = 3_600_000;

/** The share of the bound that is left after files were removed, so that not every fetch removes some. */
const KEPT = 0.9;

/**
 * Files of the store kept on this machine under their hash (`md5/ab/cdef…`), so that none is fetched
 * twice. A file enters whole and checked, under a name of its own first, so that any number of
 * processes may share the folder. Past its bound the files that were not needed for longest are removed.
 */
export class LocalCache {
  readonly #folder: string;
  /** Bytes; what is handed out may be more for a while. */
  readonly most: number;
  /** Bytes that entered since the folder was last measured; at first it is not known what is there. */
  #entered = Infinity;

  constructor(folder: string, { most = Infinity }: { most?: number } = {}) {
    this.#folder = folder;
    this.most = most;
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
    await this.needed(path, HANDED_OUT_MS);
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
      await this.needed(half, HANDED_OUT_MS);
      await rename(half, path);
    } catch (error) {
      throw writeError(this.#folder, error);
    } finally {
      await rm(half, { force: true });
    }
    this.#entered += ref.size;
    if (this.#entered > this.most * (1 - KEPT)) await this.#trim();
    return path;
  }

  /** Notes that a file is needed now, or until so many milliseconds from now. */
  async needed(path: string, forMs = 0): Promise<void> {
    const until = new Date(Date.now() + forMs);
    await utimes(path, until, until).catch(() => undefined); // removed meanwhile, or not ours: then it is as old as it is
  }

  /** Removes the files not needed for longest, as many as are too many, and what killed fetches left. */
  async #trim(): Promise<void> {
    await this.sweep();
    const files = await filesIn(join(this.#folder, 'md5'));
    files.sort((a, b) => a.needed - b.needed);
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#entered = 0;
    const now = Date.now();
    for (const { path, size, needed } of files) {
      if (bytes <= this.most * KEPT || needed > now) return;
      await rm(path, { force: true });
      bytes -= size;
    }
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

async function filesIn(folder: string): Promise<{ path: string; size: number; needed: number }[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const its = await stat(path).catch(() => undefined);
      return its?.isFile() === true ? [{ path, size: its.size, needed: its.mtimeMs }] : [];
    }),
  );
  return found.flat();
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The path of a stored file's bytes on this machine, whole and never to be written to; fetched unless they are there. */
export async function localFile(
  { store, local }: { store: { bucket: Bucket }; local: LocalCache },
  ref: Ref,
): Promise<string> {
  return (await local.find(ref)) ?? local.fetch(store.bucket, ref);
}
