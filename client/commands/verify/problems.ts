import { DamagedArtifact } from '../../../contract/failures.ts';
import { VersionSet } from '../../../store/version-set.ts';

/** The path of a fault in the ledger. */
export const LEDGER = 'ledger';
/** The path of a fault in the index of versions begins with this; the version follows. */
export const INDEX_LINE = 'index line of version ';
/** The path of a fault in a version record. */
export const RECORD = 'version record';
/** The path of a fault in the record of promotions, or of the champion. */
export const CHAMPION = 'record of promotions';
/** The path of a fault in a cache entry begins with this; the stage follows. */
export const CACHE_ENTRY = 'cache entry of ';

/** Something that is missing in the bucket, or damaged. */
export interface Fault {
  state: 'missing' | 'damaged';
  /** The artifact's path in a working tree, or the kind of document it is. */
  path: string;
  /** Its key in the bucket. */
  key: string;
  /** The MD5 of an artifact, by which a run is asked to make it again. */
  md5?: string;
  /** What is wrong with it, in a few words. */
  why: string;
}

export interface Problem extends Fault {
  versions: VersionSet;
}

/** Something that no run makes again, and how to restore it. */
export interface Left {
  path: string;
  key: string;
  why: string;
}

/** The faults that a verification finds: each once, with the versions that need the object. */
export class Problems {
  readonly #found = new Map<string, Problem>();

  /** Adds a fault of an object. `versions` are those that need the object; it may be empty. */
  add(fault: Fault, versions: Iterable<number>): void {
    const name = `${fault.key}\n${fault.why}`;
    const problem = this.#found.get(name) ?? { ...fault, versions: new VersionSet() };
    this.#found.set(name, problem);
    for (const version of versions) problem.versions.add(version);
  }

  /** Whether a fault of this object is known. */
  has(key: string): boolean {
    return [...this.#found.values()].some((problem) => problem.key === key);
  }

  /** All of it, ordered by path. */
  list(): Problem[] {
    return [...this.#found.values()].sort((a, b) =>
      a.path < b.path ? -1 : a.path > b.path ? 1 : a.key < b.key ? -1 : 1,
    );
  }
}

/** A stored document that could not be read, as a fault. */
export function makeFault(path: string, error: DamagedArtifact): Fault {
  const { key } = error.details;
  return { state: 'damaged', path, key: typeof key === 'string' ? key : '', why: error.message };
}

/** Ignores a DamagedArtifact, for an object whose damage is reported elsewhere. Throws other errors. */
export function ignoreDamaged(error: unknown): undefined {
  if (!(error instanceof DamagedArtifact)) throw error;
}
