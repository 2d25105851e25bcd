import { DamagedArtifact } from '../../contract/failures.ts';
import { VersionSet } from '../../store/version-set.ts';

/** What a fault in the ledger is called. */
export const LEDGER = 'ledger';
/** What a fault in a version's record is called. */
export const RECORD = 'version record';
/** What a fault in a stage's cache entry is called, before the stage's name. */
export const CACHE_ENTRY = 'cache entry of ';

/** Something stored that is not as it should be. */
export interface Fault {
  state: 'missing' | 'damaged';
  /** The artifact's path in a working tree, or the kind of document it is. */
  path: string;
  /** Where it stands, or should stand, in the bucket. */
  key: string;
  /** Of an artifact: by this a run is told to make it again. */
  md5?: string;
  /** What is wrong with it, in a few words. */
  why: string;
}

export interface Problem extends Fault {
  versions: VersionSet;
}

/** What a verification has found, each fault once, with the versions that rest on it. */
export class Problems {
  readonly #found = new Map<string, Problem>();

  /** Enters a fault that these versions rest on; an empty list where no version does. */
  add(fault: Fault, versions: Iterable<number>): void {
    const name = `${fault.key}\n${fault.why}`;
    const problem = this.#found.get(name) ?? { ...fault, versions: new VersionSet() };
    this.#found.set(name, problem);
    for (const version of versions) problem.versions.add(version);
  }

  /** All of it, ordered by path. */
  list(): Problem[] {
    return [...this.#found.values()].sort((a, b) =>
      a.path < b.path ? -1 : a.path > b.path ? 1 : a.key < b.key ? -1 : 1,
    );
  }
}

/** A stored document that could not be read, as a fault. */
export function faultOf(path: string, error: DamagedArtifact): Fault {
  const { key } = error.details;
  return { state: 'damaged', path, key: typeof key === 'string' ? key : '', why: error.message };
}

/** For what is told of elsewhere when it is damaged: it is undefined here. */
export function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof DamagedArtifact)) throw error;
}

/** The result of a verification. */
export interface Verified {
  pipeline: string;
  versions: number[];
  /** The versions among them that gc did not keep, so that there is nothing to read. */
  notKept: number[];
  /** Files read, each once, and their bytes. */
  objects: number;
  bytes: number;
  durationMs: number;
  problems: Problem[];
}
