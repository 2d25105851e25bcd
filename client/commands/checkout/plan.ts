import { DamagedArtifact } from '../../../contract/failures.ts';
import { isDirectory, type Ref } from '../../../contract/ref.ts';
import { isVisiblePath } from '../../../contract/paths.ts';
import { isReadForEachBatch } from '../../../contract/stages.ts';
import type { Artifacts } from '../../../store/artifacts.ts';
import type { VersionRecord } from '../../../store/version-record.ts';
import { RETRAIN } from '../../../contract/command.ts';

/** A file of a version, and the artifact it belongs to: itself, or a directory. */
export interface WantedFile {
  ref: Ref;
  artifact: string;
}

/**
 * The files of a version by path, in the order of its stages. Outputs that are read for each batch are left out,
 * because they are files of a later stage's output: a batch is a file of the merged data.
 * @throws DamagedArtifact when the record names a path that cannot be in a working tree.
 */
export async function listWantedFiles(
  artifacts: Artifacts,
  record: VersionRecord,
): Promise<Map<string, WantedFile>> {
  const refs = record.stages
    .filter(({ stage }) => !isReadForEachBatch(stage))
    .flatMap(({ outputs }) => Object.values(outputs));
  const listed = await Promise.all(
    refs.map(async (ref) =>
      isDirectory(ref)
        ? (await artifacts.list(ref)).map((file) => ({ ...file, path: `${ref.path}${file.path}` }))
        : [ref],
    ),
  );
  const files = refs.flatMap(({ path: artifact }, i) =>
    listed[i]!.map((ref): [string, WantedFile] => [ref.path, { ref, artifact }]),
  );
  const wanted = new Map(files);
  for (const path of wanted.keys()) checkPath(path, wanted, record);
  return wanted;
}

/**
 * Checks a path, because it comes from a bucket. The paths of a record's outputs are checked with the record; these
 * are also the files in its directories.
 */
function checkPath(path: string, all: ReadonlyMap<string, unknown>, record: VersionRecord): void {
  const inside = listParents(path).find((parent) => all.has(parent));
  if (isVisiblePath(path) && inside === undefined) return;
  const why =
    inside === undefined
      ? 'is hidden, or not a path inside a folder'
      : `is inside ${inside}, which is a file`;
  throw new DamagedArtifact(
    `version ${record.version} of ${record.pipeline} names ${JSON.stringify(path)}, which ${why}: look at it with "${RETRAIN} verify ${record.version} --pipeline ${record.pipeline}", and restore its record from a backup`,
  );
}

/** The folders a path lies in, outermost first: `a`, `a/b` of `a/b/c.csv`. */
export function listParents(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}

/** A file that is in the working tree now. */
export interface FoundFile {
  sha256: string;
  /** Whether a checkout wrote these bytes, so that overwriting them loses nothing. */
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
  /** Those of `write` and `remove` that hold bytes which no checkout wrote. */
  edited: string[];
}

/**
 * Compares the wanted files with those that are there.
 * @param wanted the version's files by path
 * @param ours paths that an earlier checkout wrote
 * @param found the files at the paths of either
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
