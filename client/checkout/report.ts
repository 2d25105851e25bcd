import { Conflict } from '../../contract/failures.ts';
import type { WantedFile } from './wanted.ts';
import { bytes, table } from '../format.ts';
import { say } from '../print.ts';

/** What a checkout did. */
export interface CheckedOut {
  pipeline: string;
  version: number;
  out: string;
  written: string[];
  kept: string[];
  removed: string[];
  fetched_bytes: number;
}

/** Names this many files; the rest are counted. */
const MOST_NAMED = 10;

/** Why nothing was done: files whose bytes would be lost. */
export function refusal(
  edited: readonly string[],
  { out, version }: { out: string; version: number },
): Conflict {
  const more = edited.length - MOST_NAMED;
  const named = edited.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
  const hold = edited.length === 1 ? 'holds' : 'hold';
  return new Conflict(
    `${named} in ${out} ${hold} bytes that no checkout brought, and checking out version ${version} would lose them: keep a copy elsewhere, then give --force`,
  );
}

/** What was done, artifact by artifact. */
export function printCheckedOut(
  { pipeline, version, out, removed, fetched_bytes, ...done }: CheckedOut,
  wanted: ReadonlyMap<string, WantedFile>,
): void {
  const rows = new Map<string, { files: number; size: number; written: number }>();
  const written = new Set(done.written);
  for (const [path, { ref, artifact }] of wanted) {
    const row = rows.get(artifact) ?? { files: 0, size: 0, written: 0 };
    rows.set(artifact, {
      files: row.files + 1,
      size: row.size + ref.size,
      written: row.written + Number(written.has(path)),
    });
  }
  const head = ['artifact', 'files', 'size', 'written', 'kept'];
  const cells = [...rows].map(([artifact, { files, size, written: wrote }]) => {
    return [artifact, files, bytes(size), wrote, files - wrote];
  });
  process.stdout.write(`${table(head, cells)}\n`);
  for (const path of removed) process.stdout.write(`removed  ${path}\n`);
  say(`version ${version} of ${pipeline} is in ${out}; ${bytes(fetched_bytes)} fetched`);
}
