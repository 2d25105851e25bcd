import { countBatches } from '../../pipeline/batches/order.ts';
import { addColumns, type Column, selectColumns } from '../../pipeline/batches/columns.ts';
import type { Ledger, NewBatch, RawEntry } from './schema.ts';
import type { Ref } from '../../contract/ref.ts';

/** Returns batches 1..`last` as they were at a revision of the ledger, by default the current one. */
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

/** Raw data in the ledger: a state of the source, a file that arrived, or the file of an amendment. */
export type KnownRaw = Pick<RawEntry, 'revision' | 'ref' | 'columns' | 'rows' | 'fetched_at'>;

/** Returns the raw data with these bytes; undefined when the ledger has none. */
export function rawNamed(ledger: Ledger, sha256: string): KnownRaw | undefined {
  return [...ledger.raw, ...ledger.amended].find(({ ref }) => ref.sha256 === sha256);
}

/** Returns the raw data that a batch was, or would be, cut from. */
export function rawOf(ledger: Ledger, batch: number): KnownRaw {
  const cut = ledger.batches[batch - 1];
  // Two states of a table may have the same bytes: only their order shows which one it is.
  if (!hasArrivals(ledger) && cut?.from !== null) return rawEntryOf(ledger, batch);
  const arrived = ledger.arrivals[batch - 1]?.raw;
  const from = cut?.raw ?? arrived;
  const own = from === arrived ? undefined : amendmentOf(ledger, batch);
  return own ?? (from === undefined ? undefined : rawNamed(ledger, from)) ?? ledger.raw.at(-1)!;
}

/**
 * Returns the file that a batch has its rows from since it was amended; undefined when it was not. Another
 * batch may have been amended with the same bytes, which are stored under its own path there.
 */
export function amendmentOf(
  ledger: Pick<Ledger, 'batches' | 'amended'>,
  batch: number,
): Ledger['amended'][number] | undefined {
  const raw = ledger.batches[batch - 1]?.raw;
  return ledger.amended.find((entry) => entry.batch === batch && entry.ref.sha256 === raw);
}

/** Returns the state of a table that a batch was, or would be, cut from, without amendments. */
export function rawEntryOf({ raw }: Pick<Ledger, 'raw'>, batch: number): RawEntry {
  return raw.findLast(({ after }) => after < batch) ?? raw[0]!;
}

/**
 * Returns the seed that the rows of a state are shuffled with; null where they keep their order. Only the first
 * state is shuffled: new rows of a growing table follow in the order in which they came.
 */
export function shuffleSeedOf(
  { shuffle_seed }: Pick<Ledger['settings'], 'shuffle_seed'>,
  { after }: Pick<RawEntry, 'after'>,
): number | null {
  return after === 0 ? shuffle_seed : null;
}

/** The text of the whole table in one of its states. */
export function wholeOf({ whole, ref, rows }: RawEntry): NonNullable<RawEntry['whole']> {
  return whole ?? { size: ref.size, sha256: ref.sha256, rows };
}

/** Whether a text is a known state of the table. An earlier state counts too, because it may arrive late. */
export function hasState({ raw }: Ledger, text: Pick<Ref, 'sha256'>): boolean {
  return raw.some((entry) => wholeOf(entry).sha256 === text.sha256);
}

/** Returns the number of batches that the known rows or files make. The last batch of a table may be short. */
export function batchesKnown(ledger: Ledger): number {
  if (hasArrivals(ledger)) return ledger.arrivals.length;
  const { after, rows } = ledger.raw.at(-1)!;
  return after + countBatches(rows, ledger.settings.batch_size);
}

/** Returns the number of rows of a table that do not fill the next batch. */
export function rowsWaiting(ledger: Ledger): number {
  if (hasArrivals(ledger) || batchesKnown(ledger) <= ledger.batches.length) return 0;
  return ledger.raw.at(-1)!.rows % ledger.settings.batch_size;
}

/** Whether a batch is cut, or the known rows fill it. */
export function isFilled(ledger: Ledger, batch: number): boolean {
  if (batch <= ledger.batches.length) return true;
  const known = batchesKnown(ledger);
  return batch < known || (batch === known && rowsWaiting(ledger) === 0);
}

/**
 * Returns the columns of version `batch`: the frozen ones, of which files up to it may have decided the open ones,
 * then those that files up to it have added.
 */
export function columnsAt({ settings, added_columns }: Ledger, batch: number): Column[] {
  return addColumns(settings.columns, selectColumns(added_columns, batch));
}

/** Whether each batch is one file, so that neither a batch size nor an order applies. */
export function hasArrivals({ settings }: Pick<Ledger, 'settings'>): boolean {
  return settings.source.kind === 'folder' || settings.source.kind === 'prefix';
}

/** Whether a batch is all of its raw data: a file that arrived, or an amendment. */
export function isWhole(ledger: Ledger, batch: number): boolean {
  const cut = ledger.batches[batch - 1];
  return cut === undefined ? hasArrivals(ledger) : cut.from === null;
}

/** Returns every artifact that any revision of the ledger names, each content once. */
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

/** A version built from rows that have been replaced since. */
export interface Stale {
  version: number;
  /** The batches that have changed since it was built. */
  batches: number[];
}

/**
 * Returns the versions whose batches have changed since the ledger revision they were built from. A batch that
 * was amended and amended back has not changed.
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
