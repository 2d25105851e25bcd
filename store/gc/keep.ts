/** Which versions of a pipeline keep their artifacts; those of other pipelines all do. */
export interface Keep {
  pipeline: string;
  /** The last K versions; undefined with no `versions`: all. */
  last?: number | undefined;
  /** These versions too. */
  versions: readonly number[];
}

/** Says of each version whether its artifacts are kept. */
export function keeper(keep: Keep, versions: Iterable<number>): (version: number) => boolean {
  const { last } = keep;
  if (last === undefined && keep.versions.length === 0) return () => true;
  const newest = [...new Set(versions)].toSorted((a, b) => b - a).slice(0, last ?? 0);
  const kept = new Set([...newest, ...keep.versions]);
  return (version) => kept.has(version);
}
