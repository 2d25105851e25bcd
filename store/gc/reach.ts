import { DamagedArtifact } from '../../contract/failures.ts';
import { manifestKey, objectKey } from '../hash.ts';
import type { Artifacts } from '../artifacts.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';
import type { CacheEntry } from '../stage-cache.ts';

/** The keys of all objects that something kept leads to. */
export class Reach {
  readonly #artifacts: Pick<Artifacts, 'list'>;
  readonly #keys = new Set<string>();
  /** What each object is, by the path it has in a working tree. */
  readonly #paths = new Map<string, string>();

  constructor(artifacts: Pick<Artifacts, 'list'>) {
    this.#artifacts = artifacts;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  holds(ref: Ref): boolean {
    return this.#keys.has(objectKey(ref.md5));
  }

  /** The path under which a key's object was last seen, if any document names it. */
  pathOf(key: string): string | undefined {
    return this.#paths.get(key);
  }

  /** Notes what an object is that nothing kept may lead to. */
  name(ref: Ref): void {
    this.#paths.set(objectKey(ref.md5), ref.path);
    if (isDirectory(ref)) this.#paths.set(manifestKey(ref.sha256), ref.path);
  }

  /**
   * Reaches an artifact, and the files of a directory.
   * @param needed whether it must be there; what was only read to make something need not be
   * @throws DamagedArtifact when a directory that is needed cannot be read: what it holds is unknown.
   */
  async add(ref: Ref, { needed }: { needed: boolean }): Promise<void> {
    this.name(ref);
    if (!isDirectory(ref)) {
      this.#keys.add(objectKey(ref.md5));
      return;
    }
    const key = manifestKey(ref.sha256);
    if (this.#keys.has(key)) return;
    let files: Ref[];
    try {
      files = await this.#artifacts.list(ref);
    } catch (error) {
      if (!(error instanceof DamagedArtifact)) throw error;
      if (!needed) return;
      throw new DamagedArtifact(
        `${ref.path} (${key}) cannot be read, so what it holds is not known and nothing is removed: mend it with "verify --all --repair" first`,
        { cause: error, details: error.details },
      );
    }
    // Only now: two that ask at once must both wait until its files are known.
    for (const file of files) {
      this.name({ ...file, path: `${ref.path}${file.path}` });
      this.#keys.add(objectKey(file.md5));
    }
    this.#keys.add(key);
    this.#keys.add(objectKey(ref.md5));
  }

  /**
   * Whether an entry costs nothing to keep: what its stage made is kept anyway. Of an encoded part the
   * counts are in no directory, and are kept with it.
   */
  covers({ stage, outputs }: CacheEntry): boolean {
    const { counts: _, ...parts } = outputs;
    const made = Object.values(stage === 'encode_part' ? parts : outputs);
    return made.length > 0 && made.every((ref) => this.holds(ref));
  }
}
