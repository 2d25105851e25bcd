import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { DamagedArtifact, StorageUnavailable } from '../contract/failures.ts';
import type { Bucket, ObjectHead } from './bucket.ts';
import { download } from './download.ts';
import { refOf, refOfChunks, sha256, objectKey, manifestKey } from './hash.ts';
import { encodeDirectory, manifestSchema } from './manifest.ts';
import type { PartCache } from './part-cache.ts';
import { at, isDirectory, type Ref } from '../contract/ref.ts';
import { storeInParts } from './unfinished-uploads.ts';
import { inParallel } from './parallel.ts';

/** Bytes up to which a file is stored by one request, with S3's own checksum of it. */
const ONE_PUT = 32 * 1024 * 1024;

/** Times another writer may come between our look and our write. */
const TRIES = 5;

/**
 * Immutable objects named by content, in the layout of a DVC remote (`files/md5/ab/cdef…`), so that a
 * stock DVC client can pull them. A directory's manifest stands beside them under its SHA-256.
 */
export class Artifacts {
  readonly #bucket: Bucket;
  readonly #parts: PartCache | undefined;

  /** @param parts keeps what {@link getPart} reads on this machine */
  constructor(bucket: Bucket, parts?: PartCache) {
    this.#bucket = bucket;
    this.#parts = parts;
  }

  /**
   * Stores a file's bytes once: a second put of the same bytes is one HEAD. An object whose size or
   * checksum is not what its name promises is written over with the right bytes.
   */
  async put(path: string, bytes: Uint8Array, options: { rewrite?: boolean } = {}): Promise<Ref> {
    const ref = refOf(path, bytes);
    await this.#putObject(objectKey(ref.md5), bytes, ref, options.rewrite ?? false);
    return ref;
  }

  /**
   * Stores a file of this machine as `put` does its bytes, in memory that does not grow with it.
   * @param options.known its reference, where the caller has hashed it already
   */
  async putFile(
    path: string,
    file: string,
    options: { rewrite?: boolean; known?: Ref } = {},
  ): Promise<Ref> {
    const ref =
      options.known === undefined
        ? await refOfChunks(path, createReadStream(file))
        : at(path, options.known);
    if (ref.size <= ONE_PUT) return this.put(path, await readFile(file), options);
    const key = objectKey(ref.md5);
    const head = await this.#bucket.head(key);
    if (options.rewrite === true || !isWhole(head, ref))
      await storeInParts(this.#bucket, key, file, { ...ref, mark: head?.ours ?? true });
    return ref;
  }

  /** Stores a directory over files already stored; their paths are relative to `path`. Copies nothing. */
  async putDirectory(
    path: string,
    files: readonly Ref[],
    options: { rewrite?: boolean } = {},
  ): Promise<Ref> {
    const { ref, manifest, dvcDir } = encodeDirectory(path, files);
    const rewrite = options.rewrite ?? false;
    await Promise.all([
      this.#putObject(
        manifestKey(ref.sha256),
        manifest,
        { sha256: ref.sha256, size: manifest.byteLength },
        rewrite,
      ),
      this.#putObject(
        objectKey(ref.md5),
        dvcDir,
        { sha256: sha256(dvcDir), size: dvcDir.byteLength },
        rewrite,
      ),
    ]);
    return ref;
  }

  /**
   * The bytes of a file, checked against its reference.
   * @throws DamagedArtifact when the object is missing or its bytes do not match.
   */
  async get(ref: Ref): Promise<Uint8Array> {
    return this.#getObject(objectKey(ref.md5), ref, ref.sha256);
  }

  /**
   * As `get`, for files that are read again for every version: once fetched, they come from this machine.
   * @throws DamagedArtifact when it is not here and the object is missing or its bytes do not match.
   */
  async getPart(ref: Ref): Promise<Uint8Array> {
    // A HEAD is little beside the part, and what the bucket has lost must be seen to be made again.
    if (this.#parts === undefined || !(await this.has(ref))) return this.get(ref);
    return (await this.#parts.read(this.#bucket, ref)) ?? this.get(ref);
  }

  /**
   * Brings a file's bytes to a new file of this machine, checked, in memory that does not grow with it.
   * @throws DamagedArtifact when the object is missing or its bytes do not match.
   */
  async toFile(ref: Ref, file: string): Promise<void> {
    await download(this.#bucket, ref, objectKey(ref.md5), file);
  }

  /** The files of a directory, with paths relative to it, in code-point order of path. */
  async list(directory: Ref): Promise<Ref[]> {
    const bytes = await this.#getObject(manifestKey(directory.sha256), directory, directory.sha256);
    return manifestSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).files;
  }

  /**
   * Whether the object is there with the right size and the right checksum, by a HEAD alone. For a
   * directory: its manifest and DVC's twin (its files are checked where they are read).
   */
  async has(ref: Ref): Promise<boolean> {
    if (isDirectory(ref)) {
      const [manifest, twin] = await Promise.all([
        this.#bucket.head(manifestKey(ref.sha256)),
        this.#bucket.head(objectKey(ref.md5)),
      ]);
      const whole = manifest !== undefined && (manifest.sha256 ?? ref.sha256) === ref.sha256;
      return whole && twin !== undefined;
    }
    return isWhole(await this.#bucket.head(objectKey(ref.md5)), ref);
  }

  async #putObject(
    key: string,
    bytes: Uint8Array,
    expected: { sha256: string; size: number },
    rewrite: boolean,
  ): Promise<void> {
    for (let tried = 1; ; tried++) {
      const head = await this.#bucket.head(key);
      if (isWhole(head, expected) && (!rewrite || tried > 1)) return;
      // Whose it is stays as it was: DVC users push the same bytes under the same name.
      const put =
        head === undefined
          ? { mark: true, condition: { absent: true as const } }
          : { mark: head.ours };
      const stored = await this.#bucket.put(key, bytes, { sha256: expected.sha256, ...put });
      if (stored !== undefined) return;
      if (tried === TRIES)
        throw new StorageUnavailable(
          `${key} comes and goes while it is being stored: try again when nobody removes it`,
        );
    }
  }

  async #getObject(key: string, ref: Ref, expected: string): Promise<Uint8Array> {
    let stored = await this.#bucket.get(key);
    // Bytes can be spoilt on their way too: what is damaged in the store is so at a second look.
    if (stored !== undefined && sha256(stored.bytes) !== expected)
      stored = await this.#bucket.get(key);
    if (stored === undefined)
      throw new DamagedArtifact(
        `${ref.path} is missing from the store (${key}): run its batch again to make it anew`,
        { details: { ref, key } },
      );
    if (sha256(stored.bytes) !== expected)
      throw new DamagedArtifact(
        `${ref.path} in the store (${key}) no longer matches its hash: run its batch again with --force to make it anew`,
        { details: { ref, key } },
      );
    return stored.bytes;
  }
}

/** As far as a HEAD can tell: a server without checksums knows the size alone. */
function isWhole(
  head: ObjectHead | undefined,
  { sha256: expected, size }: Pick<Ref, 'sha256' | 'size'>,
): boolean {
  return head?.size === size && (head.sha256 ?? expected) === expected;
}

/**
 * Files of a directory that a run checks; all of them, where there are no more. A HEAD costs a
 * millisecond of the worker's, and a cached run of many batches is to stay one of a moment.
 */
export const MOST_CHECKED = 8;

/**
 * Checks that the files of a directory are still there, by a HEAD each; of more than
 * {@link MOST_CHECKED} at so many, others in each run. What only reads a directory's name would take
 * it for whole, though a file of it were lost.
 * @param path of the directory, and of the files relative to it
 * @param runId by which runs look at different files
 * @throws DamagedArtifact naming a file that is missing or damaged, so that its maker makes it again
 */
export async function checkPresent(
  artifacts: Pick<Artifacts, 'has'>,
  path: string,
  files: readonly Ref[],
  runId: string,
): Promise<void> {
  const from = files.length > MOST_CHECKED ? numberOf(runId) % files.length : 0;
  const looked = [...files.slice(from), ...files.slice(0, from)].slice(0, MOST_CHECKED);
  await inParallel(looked, MOST_CHECKED, async (file) => {
    if (await artifacts.has(file)) return;
    const ref = { ...file, path: `${path}${file.path}` };
    throw new DamagedArtifact(
      `${ref.path} is missing from the store, or damaged: run its batch again to make it anew`,
      { details: { ref } },
    );
  });
}

/** A number by which to begin, the same for the tries of one run. */
function numberOf(runId: string): number {
  return Number.parseInt(sha256(runId).slice(0, 8), 16);
}
