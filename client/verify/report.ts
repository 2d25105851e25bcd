import { bytes, duration, table } from '../format.ts';
import { VersionSet } from '../../store/version-set.ts';
import { say } from '../print.ts';
import type { Problem, Verified } from './problems.ts';
import type { Repaired } from './repair.ts';

/** What was mended and what is missing or damaged, with the versions that rest on it. */
export function printVerified(verified: Verified, repaired?: Repaired): void {
  const { pipeline, versions, notKept, problems, ...read } = verified;
  if (repaired !== undefined) printRepaired(repaired);
  const given = new VersionSet();
  for (const version of notKept) given.add(version);
  if (notKept.length > 0)
    say(`version ${String(given)} was not kept by gc: "run N" builds it anew`);
  const left = versions.filter((version) => !notKept.includes(version));
  if (left.length === 0) return;
  const of = left.length === 1 ? `version ${left[0]}` : `${left.length} versions`;
  const speed = `${bytes(Math.round((read.bytes / Math.max(read.durationMs, 1)) * 1_000))}/s`;
  say(
    `read ${read.objects} objects, ${bytes(read.bytes)}, in ${duration(read.durationMs)} (${speed})`,
  );
  if (problems.length === 0) {
    process.stdout.write(`${of} of ${pipeline}: everything is there and whole\n`);
    return;
  }
  const rows = problems.map(({ state, path, versions: rest, key, why }) => [
    state,
    path,
    String(rest),
    key,
    why,
  ]);
  process.stdout.write(`${table(['state', 'what', 'versions', 'key', 'why'], rows)}\n`);
  say(
    `${of} of ${pipeline}: ${problems.length} missing or damaged; ${repaired === undefined ? '"verify --repair" makes anew what can be, ' : ''}a document comes back from a backup`,
    'error',
  );
}

function printRepaired({ mended, hindered, left, changed }: Repaired): void {
  if (mended.length > 0) {
    const rows = mended.map(({ path, versions, key }) => ['mended', path, String(versions), key]);
    process.stdout.write(`${table(['state', 'what', 'versions', 'key'], rows)}\n`);
  }
  for (const version of changed)
    say(
      `version ${version} has other bytes now: the program, or a library, has changed since it was built`,
      'warning',
    );
  for (const [version, why] of hindered) say(`version ${version} could not be mended: ${why}`);
  for (const { path, why } of left) say(`${path} could not be mended: ${why}`);
}

/** What `--json` prints. */
export function verifiedDocument(verified: Verified, repaired?: Repaired): unknown {
  const document = { ...verified, problems: verified.problems.map(listed) };
  if (repaired === undefined) return document;
  const { mended, runs, hindered, left, changed } = repaired;
  const notMended = [...hindered].map(([version, why]) => ({ version, why }));
  return { ...document, repair: { mended: mended.map(listed), notMended, left, changed, runs } };
}

function listed(problem: Problem): Omit<Problem, 'versions'> & { versions: number[] } {
  return { ...problem, versions: [...problem.versions] };
}
