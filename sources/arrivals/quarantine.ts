import type { Column } from '../../pipeline/batches/columns.ts';
import { readOnDuplicate } from '../../contract/defaults.ts';
import { BadData } from '../../contract/failures.ts';
import type { Params } from '../../contract/params.ts';
import { hashOf } from '../../store/hash.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import type { Quarantined, Settings } from '../../store/ledger/schema.ts';
import type { SeenFile } from './place.ts';

/** Increase this number when the rules for files change. Files in quarantine are then read again. */
const RULES = 2;

/** What decides, besides a file's bytes, whether it can be a batch. */
export interface Rules {
  /** Undefined before the first file. */
  settings: Settings | undefined;
  /** Columns that files before it have added. */
  added: readonly Column[];
  params: Params;
  /** The files before it, by the SHA-256 of their bytes. */
  known: ReadonlyMap<string, { readonly name: string; readonly batch: number }>;
}

/** Makes the ledger's entry for a file that cannot be used. */
export function quarantine(
  { name, stamp, size }: SeenFile,
  { hash, reason, rules }: { hash: string | null; reason: string; rules: Rules },
): Quarantined {
  const seen_at = new Date().toISOString();
  const entry = { name, stamp, size, sha256: hash, reason: withoutName(reason, name), seen_at };
  return { ...entry, rules: hashRules(rules) };
}

/** A reason without the name of the file at its start, because the name is beside it. */
function withoutName(reason: string, name: string): string {
  if (reason.startsWith(`${name} `)) return `it ${reason.slice(name.length + 1)}`;
  return reason.startsWith(`${name}, `) ? reason.slice(name.length + 2) : reason;
}

/**
 * Returns the entry of a file that would be quarantined again, because its bytes and the rules are the same.
 * @returns undefined when the file must be read
 */
export function findQuarantined(
  ledger: Pick<Ledger, 'quarantined'> | undefined,
  file: SeenFile,
  rules: Rules,
): Quarantined | undefined {
  const entry = ledger?.quarantined.find(({ name }) => name === file.name);
  // The entry of a file that was not read has no hash.
  if (entry === undefined || entry.sha256 === null || entry.rules === null) return undefined;
  const isSame =
    file.sha256 === undefined
      ? file.stamp !== null && file.stamp === entry.stamp
      : file.sha256 === entry.sha256;
  return isSame && entry.rules === hashRules(rules) ? entry : undefined;
}

function hashRules({ settings, added, params }: Rules): string | null {
  if (settings === undefined) return null;
  const { on_new_column, on_missing_column, columns_by } = params.data;
  return hashOf({
    rules: RULES,
    settings,
    added,
    on_new_column,
    on_missing_column,
    ...(columns_by === 'position' ? { columns_by } : {}),
    on_duplicate: readOnDuplicate(params),
  });
}

/**
 * Refuses a file that has the bytes of a known file under another name, if `arrivals.on_duplicate` says so.
 * @param hash the SHA-256 of its bytes
 */
export function refuseDuplicate(hash: string, { known, params }: Rules): BadData | undefined {
  const first = known.get(hash);
  if (first === undefined || readOnDuplicate(params) !== 'quarantine') return undefined;
  return new BadData(
    `it has the same bytes as ${first.name}, batch ${first.batch}: remove it, or set arrivals.on_duplicate=warn to use it`,
  );
}
