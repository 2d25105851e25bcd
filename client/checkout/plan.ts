import type { Ref } from '../../contract/ref.ts';

/** A file that stands in the working tree now. */
export interface FoundFile {
  sha256: string;
  /** Whether this tool checked these bytes out before, so that overwriting them loses nothing. */
  known: boolean;
}

/** What a checkout does to each path. */
export interface Plan {
  /** Paths to write. */
  write: string[];
  /** Paths that hold the wanted bytes already. */
  keep: string[];
  /** Paths of an earlier checkout that this version does not have. */
  remove: string[];
  /** Those of `write` and `remove` that hold bytes this tool knows nothing of. */
  edited: string[];
}

/**
 * Compares what is wanted with what stands there.
 * @param wanted the version's files by path
 * @param ours paths that an earlier checkout wrote
 * @param found what stands at the paths of either
 */
export function planCheckout(
  wanted: ReadonlyMap<string, { ref: Pick<Ref, 'sha256'> }>,
  ours: Iterable<string>,
  found: ReadonlyMap<string, FoundFile>,
): Plan {
  const plan: Plan = { write: [], keep: [], remove: [], edited: [] };
  const edited = (path: string): void => {
    if (found.get(path)?.known === false) plan.edited.push(path);
  };
  for (const [path, { ref }] of wanted) {
    if (found.get(path)?.sha256 === ref.sha256) plan.keep.push(path);
    else {
      plan.write.push(path);
      edited(path);
    }
  }
  for (const path of ours) {
    if (wanted.has(path) || !found.has(path)) continue;
    plan.remove.push(path);
    edited(path);
  }
  return plan;
}
