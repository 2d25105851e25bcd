import { bytes, duration, table } from './display.ts';
import { VersionSet } from '../store/version-set.ts';
import { say } from './print.ts';
import type { Problem } from './verify-problems.ts';

/** What a verification came to. */
export interface Verified {
  pipeline: string;
  versions: number[];
  /** Those among them that gc has given up, of which there is nothing to be read. */
  notKept: number[];
  /** Files read, each once, and their bytes. */
  objects: number;
  bytes: number;
  durationMs: number;
  problems: Problem[];
}

/** What is missing or damaged, with the versions that rest on it. */
export function printVerified({ pipeline, versions, notKept, problems, ...read }: Verified): void {
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
    `${of} of ${pipeline}: ${problems.length} missing or damaged; "run N --force" makes a version's artifacts anew, a document comes back from a backup`,
    'error',
  );
}
