import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { quoteVerifyAll } from '../contract/command.ts';
import { DamagedArtifact, StorageUnavailable } from '../contract/failures.ts';
import type { Bucket, ObjectHead, StoredObject } from './bucket.ts';
import { MOST_LISTING } from './documents.ts';
import { damagedError, digestObject, download } from './download.ts';
import { refOf, refOfChunks, sha256, objectKey, manifestKey } from './hash.ts';
import { encodeDirectory, manifestSchema } from './manifest.ts';
import type { PartCache } from './part-cache.ts';
import { withPath, isDirectory, type Ref } from '../contract/ref.ts';
import { parseStored } from './stored-json.ts';
import { storeInParts } from './unfinished-uploads.ts';
import { inParallel } from './parallel.ts';

/** Files of at most this many bytes are stored by one request, with S3's own checksum. */
const ONE_PUT = 32 * 1024 * 1024;

/** Tries when another client changes the object between our HEAD and our PUT. */
const TRIES = 5;

/** What the bucket has shown to an activity, by SHA-256: the parts that it has, and the files of directories. */
interface Seen {
  parts: Set<string>;
  lists: Map<string, readonly Ref[]>;
}

/**
 * Immutable objects named by content, in the layout of a DVC remote (`files/md5/ab/cdef…`), so that a
 * stock DVC client can pull them. A directory also has a manifest, which is named by its SHA-256.
 */
export class Artifacts {
  readonly #bucket: Bucket;
  readonly #parts: PartCache | undefined;
  readonly #seen: Seen | undefined;
  /** Whose artifacts they are; undefined where that is not known. */
  readonly pipeline: string | undefined;

  /**
   * @param parts keeps on this machine what {@link getPart} reads
   * @param known.pipeline whose artifacts they are; without it, errors name none
   * @param known.seen see {@link forOneActivity}
   */
  constructor(
    bucket: Bucket,
    parts?: PartCache,
    { pipeline, seen }: { pipeline?: string | undefined; seen?: Seen } = {},
  ) {
    this.#bucket = bucket;
    this.#parts = parts;
    this.#seen = seen;
    this.pipeline = pipeline;
  }

  /** The same objects, for one activity: it asks for each part and list once, and errors name its pipeline. */
  forOneActivity(pipeline: string): Artifacts {
    const seen = { parts: new Set<string>(), lists: new Map<string, Ref[]>() };
    return new Artifacts(this.#bucket, this.#parts, { pipeline, seen });
  }

  /**
   * Stores a file's bytes once: a second put of the same bytes costs one HEAD. An object with the wrong size
   * or checksum is overwritten with the right bytes.
   */
  async put(path: string, bytes: Uint8Array, options: { rewrite?: boolean } = {}): Promise<Ref> {
    const ref = refOf(path, bytes);
    await this.#putObject(objectKey(ref.md5), bytes, ref, options.rewrite ?? false);
    return ref;
  }

  /**
   * Like `put`, for a file of this machine. Memory does not grow with the file.
   * @param options.known the file's reference, if the caller has hashed it already
   */
  async putFile(
    path: string,
    file: string,
    options: { rewrite?: boolean; known?: Ref } = {},
  ): Promise<Ref> {
    const ref =
      options.known === undefined
        ? await refOfChunks(path, createReadStream(file))
        : withPath(path, options.known);
    if (ref.size <= ONE_PUT) return this.put(path, await readFile(file), options);
    const key = objectKey(ref.md5);
    const head = await this.#bucket.head(key);
    if (options.rewrite === true || !isWhole(head, ref))
      await storeInParts(this.#bucket, key, file, { ...ref, mark: head?.ours ?? true });
    return ref;
  }

  /** Stores a directory of files that are stored already. Their paths are relative to `path`. Copies nothing. */
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
   * Returns the bytes of a file, checked against its reference.
   * @throws DamagedArtifact when the object is missing or its bytes do not match.
   */
  async get(ref: Ref): Promise<Uint8Array> {
    return this.#getObject(objectKey(ref.md5), ref);
  }

  /**
   * Like `get`, for files that every version reads: after the first read they come from this machine.
   * @throws DamagedArtifact when this machine does not have the file, and the object is missing or does not match
   */
  async getPart(ref: Ref): Promise<Uint8Array> {
    if (this.#parts === undefined) return this.get(ref);
    // A HEAD costs little beside the part, and finds an object that the bucket has lost.
    if (this.#seen?.parts.has(ref.sha256) !== true) {
      if (!(await this.has(ref))) return this.get(ref);
      this.#seen?.parts.add(ref.sha256);
    }
    return (await this.#parts.read(this.#bucket, ref, this.pipeline)) ?? this.get(ref);
  }

  /**
   * Downloads a file to a new file of this machine and checks its bytes. Memory does not grow with the file.
   * @throws DamagedArtifact when the object is missing or its bytes do not match.
   */
  async toFile(ref: Ref, file: string): Promise<void> {
    await download(this.#bucket, ref, objectKey(ref.md5), file, this.pipeline);
  }

  /** Returns the files of a directory, with paths relative to it, in code-point order of path. */
  async list(directory: Ref): Promise<Ref[]> {
    const known = this.#seen?.lists.get(directory.sha256);
    if (known !== undefined) return [...known];
    const bytes = await this.#getObject(manifestKey(directory.sha256), directory);
    const { files } = parseStored(bytes, directory, manifestSchema);
    this.#seen?.lists.set(directory.sha256, [...files]);
    return files;
  }

  /**
   * Whether the object exists with the right size and checksum, by a HEAD alone. Of a directory, the manifest
   * and DVC's `.dir` are checked; its files are checked when they are read.
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

  /** Reads a file to its end. Returns whether it exists and has the right bytes. Memory does not grow with it. */
  async isSound({ md5, sha256: expected }: Ref): Promise<boolean> {
    const object = { key: objectKey(md5), sha256: expected };
    const found = await digestObject(this.#bucket, object, async () => () => undefined);
    return found?.sha256 === expected;
  }

  async #putObject(
    key: string,
    bytes: Uint8Array,
    expected: { sha256: string; size: number },
    rewrite: boolean,
  ): Promise<void> {
    for (let tried = 1; ; tried++) {
      const head = await this.#bucket.head(key);
      if (!rewrite && isWhole(head, expected)) return;
      // An object keeps its mark or its lack of one: DVC users push the same bytes under the same name.
      const put =
        head === undefined
          ? { mark: true, condition: { absent: true as const } }
          : { mark: head.ours };
      const stored = await this.#bucket.put(key, bytes, { sha256: expected.sha256, ...put });
      if (stored !== undefined) return;
      if (tried === TRIES)
        throw new StorageUnavailable(
          `${key} is removed again and again while it is being stored: try again when nothing removes it`,
        );
    }
  }

  async #getObject(key: string, ref: Ref): Promise<Uint8Array> {
    // A manifest has another size than the files that it lists.
    const most = isDirectory(ref) ? MOST_LISTING : ref.size;
    const get = (): Promise<StoredObject | undefined> =>
      this.#bucket.get(key, most).catch((error: unknown) => {
        throw error instanceof DamagedArtifact
          ? damagedError(ref, key, false, this.pipeline)
          : error;
      });
    let stored = await get();
    // The network can damage bytes too. An object that is damaged in the bucket is damaged at the second read.
    if (stored !== undefined && sha256(stored.bytes) !== ref.sha256) stored = await get();
    if (stored === undefined || sha256(stored.bytes) !== ref.sha256)
      throw damagedError(ref, key, stored === undefined, this.pipeline);
    return stored.bytes;
  }
}

/** Whether a HEAD shows the right size and checksum. A server without checksums shows the size only. */
function isWhole(
  head: ObjectHead | undefined,
  { sha256: expected, size }: Pick<Ref, 'sha256' | 'size'>,
): boolean {
  return head?.size === size && (head.sha256 ?? expected) === expected;
}

/**
 * The number of a directory's files that one run checks. A HEAD costs the worker a millisecond, and a cached
 * run of many batches must stay short.
 */
export const MOST_CHECKED = 8;

/**
 * Checks by one HEAD for each file that the files of a directory exist. A run checks at most
 * {@link MOST_CHECKED} files, and each run checks others. Without this a stage that reads only the directory's
 * name would not notice a lost file.
 * @param path the path of the directory
 * @param runId decides which files are checked
 * @throws DamagedArtifact naming a file that is missing or damaged, so that the stage that made it runs again
 */
export async function checkPresent(
  artifacts: Pick<Artifacts, 'has' | 'pipeline'>,
  path: string,
  files: readonly Ref[],
  runId: string,
): Promise<void> {
  // The same for all attempts of one run.
  const number = Number.parseInt(sha256(runId).slice(0, 8), 16);
  const from = files.length > MOST_CHECKED ? number % files.length : 0;
  const looked = [...files.slice(from), ...files.slice(0, from)].slice(0, MOST_CHECKED);
  await inParallel(looked, MOST_CHECKED, async (file) => {
    if (await artifacts.has(file)) return;
    const ref = { ...file, path: `${path}${file.path}` };
    throw new DamagedArtifact(
      `${ref.path} is missing from the bucket, or damaged: run its batch again, or make the file again with ${quoteVerifyAll(' --repair', artifacts.pipeline)}`,
      { details: { ref } },
    );
  });
}
