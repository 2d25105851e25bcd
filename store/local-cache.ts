import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeError } from '../contract/failures.ts';
import { objectKey } from './hash.ts';
import type { Bucket } from './bucket.ts';
import { digest, download } from './download.ts';
import type { Ref } from '../contract/ref.ts';

/** A partly fetched file that a killed process has left is removed after a day. */
const STALE_MS = 86_400_000;

/**
 * A file whose path was returned stays at least this long, because the caller opens it later. Its modification
 * time says until when, so every process that shares the folder knows.
 */
const HANDED_OUT_MS = 3_600_000;

/** The share of the bound that is kept when files are removed, so that not every fetch removes some. */
const KEPT = 0.9;

/**
 * Files of the store that are kept on this machine under their hash (`md5/ab/cdef…`), so that none is fetched
 * twice. A file is fetched under a temporary name, checked and then renamed, so any number of processes may
 * share the folder. When the folder is larger than its bound, the least recently used files are removed.
 */
export class LocalCache {
  readonly #folder: string;
  /** The bound in bytes. Files in use may exceed it for a while. */
  readonly most: number;
  /** Bytes added since the folder was last measured; infinite before the first measurement. */
  #entered = Infinity;

  constructor(folder: string, { most = Infinity }: { most?: number } = {}) {
    this.#folder = folder;
    this.most = most;
  }

  /** Whether this folder holds a copy of a file, which may be anywhere. */
  async holdsCopyOf(file: string): Promise<boolean> {
    const hash = createHash('md5');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
    return (await sizeOf(this.pathOf(hash.digest('hex')))) !== undefined;
  }

  /**
   * Returns the path of a file after checking its bytes. The caller must not write to it.
   * @returns undefined when the file is not here. A damaged file is removed.
   */
  async find(ref: Ref): Promise<string | undefined> {
    const path = this.pathOf(ref.md5);
    const size = await sizeOf(path);
    if (size === undefined) return undefined;
    await this.markNeeded(path, HANDED_OUT_MS);
    if (size === ref.size && (await hashFile(path)) === ref.sha256) return path;
    await rm(path, { force: true });
    return undefined;
  }

  /**
   * Fetches a file's bytes from the store.
   * @param pipeline whose artifact it is, if that is known; errors name it
   * @returns the path of the file
   * @throws DamagedArtifact when the object is missing or its bytes do not match, DiskFull when this machine has
   *   no room for it
   */
  async fetch(bucket: Bucket, ref: Ref, pipeline?: string): Promise<string> {
    const path = this.pathOf(ref.md5);
    const draft = join(
      this.#drafts(),
      `${ref.md5}.${process.pid}.${randomBytes(4).toString('hex')}`,
    );
    try {
      await Promise.all(
        [dirname(path), dirname(draft)].map((at) => mkdir(at, { recursive: true })),
      );
      await download(bucket, ref, objectKey(ref.md5), draft, pipeline);
      await this.markNeeded(draft, HANDED_OUT_MS);
      await rename(draft, path);
    } catch (error) {
      throw writeError(this.#folder, error);
    } finally {
      await rm(draft, { force: true });
    }
    this.#entered += ref.size;
    if (this.#entered > this.most * (1 - KEPT)) await this.#trim();
    return path;
  }

  /** Notes that a file is needed now, or for so many milliseconds from now. */
  async markNeeded(path: string, forMs = 0): Promise<void> {
    const until = new Date(Date.now() + forMs);
    await utimes(path, until, until).catch(() => undefined); // it is gone or belongs to another user: its time stays as it is
  }

  /** Removes the least recently used files that exceed the bound, and what killed fetches left. */
  async #trim(): Promise<void> {
    await this.sweep();
    const files = await filesIn(join(this.#folder, 'md5'));
    files.sort((a, b) => a.needed - b.needed);
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#entered = 0;
    const now = Date.now();
    for (const { path, size, needed } of files) {
      if (bytes <= this.most * KEPT || needed > now) return;
      // Another worker may have returned its path since the folder was listed.
      if (((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) > now) continue;
      await rm(path, { force: true });
      bytes -= size;
    }
  }

  /** Removes what fetches that were killed left behind. */
  async sweep(): Promise<void> {
    const names = await readdir(this.#drafts()).catch(() => []);
    for (const name of names) {
      const path = join(this.#drafts(), name);
      const left = await stat(path).catch(() => undefined);
      if (left !== undefined && Date.now() - left.mtimeMs > STALE_MS)
        await rm(path, { force: true });
    }
  }

  /** The path of the file with this hash, whether or not it is here. */
  pathOf(md5: string): string {
    return join(this.#folder, 'md5', md5.slice(0, 2), md5.slice(2));
  }

  #drafts(): string {
    return join(this.#folder, 'tmp');
  }
}

async function filesIn(folder: string): Promise<{ path: string; size: number; needed: number }[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const stats = await stat(path).catch(() => undefined);
      return stats?.isFile() === true ? [{ path, size: stats.size, needed: stats.mtimeMs }] : [];
    }),
  );
  return found.flat();
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(({ size }) => size, ignoreMissing);
}

/** The SHA-256 of a file; undefined when another process has removed it. */
async function hashFile(path: string): Promise<string | undefined> {
  return digest(createReadStream(path)).then(({ sha256 }) => sha256, ignoreMissing);
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** Returns the path of a stored file on this machine, and fetches it if needed. The caller must not write to it. */
export async function localFile(
  { store, local }: { store: { bucket: Bucket }; local: LocalCache },
  ref: Ref,
): Promise<string> {
  return (await local.find(ref)) ?? local.fetch(store.bucket, ref);
}
