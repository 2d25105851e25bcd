import { DamagedArtifact } from '../../contract/failures.ts';
import { manifestKey, objectKey } from '../hash.ts';
import type { Artifacts } from '../artifacts.ts';
import { isDirectory, type Ref } from '../../contract/ref.ts';
import type { CacheEntry } from '../stage-cache.ts';
import { quoteVerifyAll } from '../../contract/command.ts';

/** The keys of all objects that kept documents name. */
export class Reach {
  readonly #artifacts: Pick<Artifacts, 'list'>;
  readonly #keys = new Set<string>();
  /** By key: the path of an object in a working tree. */
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

  /** Returns the path of a key's object, if any document names it. */
  pathOf(key: string): string | undefined {
    return this.#paths.get(key);
  }

  /** Notes the path of an object, which may not be kept. */
  name(ref: Ref): void {
    this.#paths.set(objectKey(ref.md5), ref.path);
    if (isDirectory(ref)) this.#paths.set(manifestKey(ref.sha256), ref.path);
  }

  /**
   * Adds an artifact, with the files of a directory.
   * @param needed whether it must exist; an input of a stage need not
   * @throws DamagedArtifact when a needed directory cannot be read: its files are not known
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
        `${ref.path} (${key}) cannot be read, so its files are not known and nothing is removed: repair it with ${quoteVerifyAll(' --repair')} first`,
        { cause: error, details: error.details },
      );
    }
    // Added last: a second caller must wait until its files are known.
    for (const file of files) {
      this.name({ ...file, path: `${ref.path}${file.path}` });
      this.#keys.add(objectKey(file.md5));
    }
    this.#keys.add(key);
    this.#keys.add(objectKey(ref.md5));
  }

  /**
   * Whether an entry costs nothing to keep, because the outputs of its stage are kept. The counts of an encoded
   * part are in no directory, and are kept with the part.
   */
  covers({ stage, inputs, outputs }: CacheEntry): boolean {
    // A comparison has facts only. It is kept as long as what it compares.
    if (Object.keys(outputs).length === 0)
      return Object.values(inputs).every((ref) => this.holds(ref));
    const { counts: _, ...parts } = outputs;
    const made = Object.values(stage === 'encode_part' ? parts : outputs);
    return made.length > 0 && made.every((ref) => this.holds(ref));
  }
}
