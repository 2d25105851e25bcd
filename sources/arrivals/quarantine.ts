import type { Column } from '../../pipeline/batches/columns.ts';
import type { Params } from '../../contract/params.ts';
import { hashOf } from '../../store/hash.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import type { Quarantined, Settings } from '../../store/ledger/schema.ts';
import type { SeenFile } from './place.ts';

/** Raised when what a file may hold changes: files in quarantine are then read again. */
const RULES = 1;

/** What decides, beside a file's bytes, whether it can be a batch. */
export interface Rules {
  /** Undefined before the first file: it is judged by itself. */
  settings: Settings | undefined;
  /** Columns that files before it have added. */
  added: readonly Column[];
  params: Params;
}

/** A file that cannot be used, as the ledger keeps it. */
export function quarantine(
  { name, stamp, size }: SeenFile,
  { hash, reason, rules }: { hash: string | null; reason: string; rules: Rules },
): Quarantined {
  const seen_at = new Date().toISOString();
  return { name, stamp, size, sha256: hash, reason, seen_at, rules: nameOf(rules) };
}

/**
 * The entry of a file that is in quarantine for what it holds and would be again: the same bytes, judged
 * by the same rules. Undefined: it has to be read.
 */
export function stillQuarantined(
  ledger: Pick<Ledger, 'quarantined'> | undefined,
  file: SeenFile,
  rules: Rules,
): Quarantined | undefined {
  const entry = ledger?.quarantined.find(({ name }) => name === file.name);
  // One that could not be read, or was judged without reading, has no hash.
  if (entry === undefined || entry.sha256 === null || entry.rules === null) return undefined;
  const isSame =
    file.sha256 === undefined
      ? file.stamp !== null && file.stamp === entry.stamp
      : file.sha256 === entry.sha256;
  return isSame && entry.rules === nameOf(rules) ? entry : undefined;
}

function nameOf({ settings, added, params: { data } }: Rules): string | null {
  if (settings === undefined) return null;
  const { on_new_column, on_missing_column } = data;
  return hashOf({ rules: RULES, settings, added, on_new_column, on_missing_column });
}
