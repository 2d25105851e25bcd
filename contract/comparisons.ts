import type { ComparedRole, Comparison } from './stages.ts';
import { nameBuild } from './versions.ts';

type Facts = Comparison['facts'];

/** Results of an earlier program name no role: they compare with the build before alone. */
type OfAnyAge = Omit<Comparison, 'roles'> & { roles?: ComparedRole[] };

/** Finds the build with a role. */
export function findCompared<Compared extends OfAnyAge>(
  comparisons: readonly Compared[],
  role: ComparedRole,
): Compared | undefined {
  return comparisons.find(({ roles = ['before'] }) => roles.includes(role));
}

/** The champion, if it is another build than the one before. */
export function findOtherChampion<Compared extends OfAnyAge>(
  comparisons: readonly Compared[],
): Compared | undefined {
  const champion = findCompared(comparisons, 'champion');
  return champion === findCompared(comparisons, 'before') ? undefined : champion;
}

/**
 * Names a build for the column of its scores: `version 1`, `version 1, champion`, `champion 1.2`, or `build 2.1` for a
 * build of the same version.
 * @param own the version that is compared with it
 */
export function nameCompared(
  { roles = ['before'], ...build }: Omit<OfAnyAge, 'facts'>,
  own: number,
): string {
  if (!roles.includes('before')) return `champion ${nameBuild(build)}`;
  const name = build.version === own ? `build ${nameBuild(build)}` : `version ${build.version}`;
  return roles.includes('champion') ? `${name}, champion` : name;
}

/** The facts on one set of rows, without the prefix of their names; undefined where the model has none. */
export function pickFacts(facts: Facts, prefix: 'new_batch_' | 'prequential_'): Facts | undefined {
  const picked = Object.entries(facts).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
  );
  return picked.length === 0 ? undefined : Object.fromEntries(picked);
}

/** Says how many rows of the new batch are left out of the scores on the whole of it; empty where none is. */
export function describeKnownRows(prequential: Facts): string {
  const rows = prequential['left_out'];
  if (typeof rows !== 'number' || rows === 0) return '';
  const are = rows === 1 ? '1 row that is' : `${rows} rows that are`;
  return `without ${are} equal to one that it was trained on`;
}

/** Says how many rows are left out of a comparison and why; empty where none is. */
export function describeLeftOut(facts: Facts, name: string): string {
  const rows = facts['left_out'];
  if (typeof rows !== 'number' || rows === 0) return '';
  const are = rows === 1 ? '1 test row is' : `${rows} test rows are`;
  return `${are} left out of the comparison with ${name}, because one of the two models was trained on equal rows`;
}
