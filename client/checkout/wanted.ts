import { DamagedArtifact } from '../../contract/failures.ts';
import type { Artifacts } from '../../store/artifacts.ts';
import type { VersionRecord } from '../../store/version-record.ts';
import { isDirectory, isSafePath, type Ref } from '../../contract/ref.ts';

/** A file of a version, and the artifact it belongs to: itself, or a directory. */
export interface WantedFile {
  ref: Ref;
  artifact: string;
}

/** The stages whose outputs stand in another's too: a batch is a file of the merged data. */
const REPEATED = new Set(['prepare_batch']);

/**
 * The files of a version by path, in the order of its stages.
 * @throws DamagedArtifact when the record names a path that is none of a working tree's.
 */
export async function wantedFiles(
  artifacts: Artifacts,
  record: VersionRecord,
): Promise<Map<string, WantedFile>> {
  const refs = record.stages
    .filter(({ stage }) => !REPEATED.has(stage))
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

/** What is read from a bucket decides where we write: only into visible folders below the one asked for. */
function checkPath(path: string, all: ReadonlyMap<string, unknown>, record: VersionRecord): void {
  const inside = parentsOf(path).find((parent) => all.has(parent));
  const hidden = path.startsWith('.');
  if (isSafePath(path) && !hidden && inside === undefined) return;
  const why = inside === undefined ? 'is not a path inside a folder' : `lies in the file ${inside}`;
  throw new DamagedArtifact(
    `version ${record.version} of ${record.pipeline} names ${JSON.stringify(path)}, which ${why}: look at it with "verify ${record.version}", and restore its record from a backup`,
  );
}

/** The folders a path lies in, outermost first: `a`, `a/b` of `a/b/c.csv`. */
export function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
