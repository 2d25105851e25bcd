import { countBatches } from '../../pipeline/batches/order.ts';
import { type Column, selectColumns } from '../../pipeline/batches/columns.ts';
import type { Ledger, NewBatch, RawEntry } from './schema.ts';
import type { Ref } from '../../contract/ref.ts';

/** Batches 1..`last` as they stood at a revision of the ledger (now, unless one is given). */
export function batchesAt(
  ledger: Ledger,
  last: number,
  revision: number = ledger.revision,
): NewBatch[] {
  return ledger.batches.slice(0, last).map((entry) => {
    const older = entry.replaced.find((was) => was.revision <= revision && revision < was.until);
    const { rows, ref, raw, from } = older ?? entry;
    return { batch: entry.batch, rows, ref, raw, from };
  });
}

/** Raw data as the ledger knows it: a state of the source, a file that arrived, or an amendment's. */
export type KnownRaw = Pick<RawEntry, 'revision' | 'ref' | 'columns' | 'rows' | 'fetched_at'>;

/** The raw data with these bytes; undefined when the ledger has never known it. */
export function rawNamed(ledger: Ledger, sha256: string): KnownRaw | undefined {
  return [...ledger.raw, ...ledger.amended].find(({ ref }) => ref.sha256 === sha256);
}

/** The raw data a batch was, or would be, cut from. */
export function rawOf(ledger: Ledger, batch: number): KnownRaw {
  const standing = ledger.batches[batch - 1];
  // Two states of a table may hold the same bytes: which of them it is, only the order tells.
  if (!hasArrivals(ledger) && standing?.from !== null) return rawEntryOf(ledger, batch);
  const from = standing?.raw ?? ledger.arrivals[batch - 1]?.raw;
  return (from === undefined ? undefined : rawNamed(ledger, from)) ?? ledger.raw.at(-1)!;
}

/** The state of a table that a batch was, or would be, cut from; amendments aside. */
export function rawEntryOf({ raw }: Pick<Ledger, 'raw'>, batch: number): RawEntry {
  return raw.findLast(({ after }) => after < batch) ?? raw[0]!;
}

/** The text of the whole table in one of its states. */
export function wholeOf({ whole, ref, rows }: RawEntry): NonNullable<RawEntry['whole']> {
  return whole ?? { size: ref.size, sha256: ref.sha256, rows };
}

/** Whether a text is a state of the table, also one before the last: it may be handed over, or answered, late. */
export function hasState({ raw }: Ledger, text: Pick<Ref, 'sha256'>): boolean {
  return raw.some((entry) => wholeOf(entry).sha256 === text.sha256);
}

/** How many batches there are rows, or files, for; the last of a table may be short. */
export function batchesKnown(ledger: Ledger): number {
  if (hasArrivals(ledger)) return ledger.arrivals.length;
  const { after, rows } = ledger.raw.at(-1)!;
  return after + countBatches(rows, ledger.settings.batch_size);
}

/**
 * Rows of a table that do not fill the batch they would be cut into, which is not cut yet; 0 where there
 * are none.
 */
export function rowsWaiting(ledger: Ledger): number {
  if (hasArrivals(ledger) || batchesKnown(ledger) <= ledger.batches.length) return 0;
  return ledger.raw.at(-1)!.rows % ledger.settings.batch_size;
}

/** The columns that version `batch` knows: the frozen ones, then those that files up to it have added. */
export function columnsAt({ settings, added_columns }: Ledger, batch: number): Column[] {
  return [...settings.columns, ...selectColumns(added_columns, batch)];
}

/** Whether each batch is a file of its own, so that neither a size nor an order cuts it. */
export function hasArrivals({ settings }: Pick<Ledger, 'settings'>): boolean {
  return settings.source.kind === 'folder' || settings.source.kind === 'prefix';
}

/** Whether a batch is the whole of its raw data: a file that arrived, or an amendment. */
export function isWhole(ledger: Ledger, batch: number): boolean {
  const standing = ledger.batches[batch - 1];
  return standing === undefined ? hasArrivals(ledger) : standing.from === null;
}

/** Every artifact that some revision of the ledger reaches, each content once. */
export function refsOf(ledger: Ledger): Ref[] {
  const refs = [
    ...[...ledger.raw, ...ledger.amended].flatMap(({ ref, columns }) => [ref, columns]),
    ...ledger.batches.flatMap(({ ref, replaced }) => [ref, ...replaced.map((was) => was.ref)]),
  ];
  return [...new Map(refs.map((ref) => [ref.sha256, ref])).values()];
}

export function ledgerKey(pipeline: string): string {
  return `ledgers/${pipeline}.json`;
}

/** A version that rests on rows which have been replaced since. */
export interface Stale {
  version: number;
  /** The batches that are others now than when it was built. */
  batches: number[];
}

/**
 * The versions whose batches are others now than at the ledger revision they were built from. One that
 * was amended and amended back is as it was, and so is not stale.
 */
export function staleVersions(
  ledger: Ledger,
  built: readonly { version: number; ledger_revision: number }[],
): Stale[] {
  const amended = ledger.batches.filter(({ replaced }) => replaced.length > 0);
  if (amended.length === 0) return [];
  return built.flatMap(({ version, ledger_revision }) => {
    const then = batchesAt(ledger, version, ledger_revision);
    const batches = amended
      .filter(({ batch, ref }) => batch <= version && then[batch - 1]!.ref.sha256 !== ref.sha256)
      .map(({ batch }) => batch);
    return batches.length === 0 ? [] : [{ version, batches }];
  });
}
