import { Conflict, MissingHistory } from '../../contract/failures.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import { hashOf } from '../hash.ts';
import type { Ledger, NewRaw, Quarantined, Settings, RawEntry } from './schema.ts';
import type { Ref } from '../../contract/ref.ts';

/** A file of a folder or a prefix that can be a batch. */
export interface Arrived {
  name: string;
  stamp: string | null;
  raw: NewRaw;
  /** Columns that it has and earlier files do not, if the contract accepts them. */
  added?: readonly Column[];
}

/** The result of a look at a folder or a prefix. */
export interface Look {
  settings: Settings;
  /** `data.source` as the run wrote it. */
  location: string;
  /** New files, in the order in which they become batches. */
  arrived: readonly Arrived[];
  quarantined: readonly Quarantined[];
  /** ISO 8601, UTC. */
  at: string;
}

/**
 * Returns the ledger after a look. The order of known files never changes: a name that another look has entered
 * meanwhile stays where it is. A ledger without batches and with other settings is started again.
 * @throws Conflict when batches have been cut with other settings
 */
export function enterLook(current: Ledger | undefined, pipeline: string, look: Look): Ledger {
  const base = baseOf(current, pipeline, look);
  const known = new Set(base.arrivals.map(({ name }) => name));
  const added = look.arrived.filter(({ name }) => !known.has(name));
  const since = new Map(base.quarantined.map((entry) => [identify(entry), entry]));
  const quarantined = look.quarantined.map((entry) => {
    const { seen_at } = since.get(identify(entry)) ?? entry;
    return { ...entry, seen_at };
  });
  const revision = base.revision + 1;
  const next: Ledger = {
    ...base,
    raw: [...base.raw, ...added.map(({ raw }) => ({ ...raw, revision, after: 0, whole: null }))],
    arrivals: [
      ...base.arrivals,
      ...added.map(({ name, stamp, raw }) => ({
        name,
        stamp,
        raw: raw.ref.sha256,
        revision,
        seen_at: look.at,
      })),
    ],
    quarantined,
    added_columns: addColumns(base, added),
  };
  if (current !== undefined && hashOf(current) === hashOf(next)) return current;
  return { ...next, revision };
}

function baseOf(
  current: Ledger | undefined,
  pipeline: string,
  { settings, location }: Look,
): Ledger {
  const same = current !== undefined && hashOf(current.settings) === hashOf(settings);
  if (same) return current.batches.length > 0 ? current : { ...current, location };
  if (current !== undefined && current.batches.length > 0)
    throw new Conflict(
      `another run has cut batches of ${pipeline} under other settings while this one looked for new files: run it again, or choose another pipeline name`,
    );
  return makeEmptyLedger(pipeline, { settings, location }, current?.revision ?? 0);
}

export function makeEmptyLedger(
  pipeline: string,
  { settings, location }: Pick<Ledger, 'settings' | 'location'>,
  revision: number,
): Ledger {
  return {
    schema: 4,
    pipeline,
    revision,
    settings,
    location,
    raw: [],
    batches: [],
    arrivals: [],
    quarantined: [],
    amended: [],
    added_columns: [],
  };
}

/** Adds columns. A column that another look has entered meanwhile stays as it is. */
function addColumns(base: Ledger, arrived: readonly Arrived[]): Ledger['added_columns'] {
  const columns = [...base.added_columns];
  for (const [i, { added = [] }] of arrived.entries()) {
    for (const { name, type } of added) {
      if (columns.some((column) => column.name === name)) continue;
      columns.push({ name, type, since: base.arrivals.length + i + 1 });
    }
  }
  return columns;
}

/** Identifies a file in quarantine and its reason. The same entry keeps the time when it was first seen. */
function identify({ seen_at: _, rules: _by, ...entry }: Quarantined): string {
  return hashOf(entry);
}

/** A later state of an append-only table, as a look has found it. */
export interface Grown {
  /** The revision of the last state when the look began. */
  previousRevision: number;
  raw: Omit<RawEntry, 'revision'>;
}

/**
 * Returns the ledger with a later state of its table. Earlier states stay, because batches are cut from them.
 * @returns undefined when the ledger has changed since the look: it has more batches, or another last state
 */
export function enterGrown(ledger: Ledger, { previousRevision, raw }: Grown): Ledger | undefined {
  const last = ledger.raw.at(-1)!;
  const isEntered =
    last.ref.sha256 === raw.ref.sha256 &&
    last.after === raw.after &&
    last.whole?.sha256 === raw.whole?.sha256;
  if (isEntered) return ledger;
  if (last.revision !== previousRevision || ledger.batches.length !== raw.after) return undefined;
  const revision = ledger.revision + 1;
  return { ...ledger, revision, raw: [...ledger.raw, { ...raw, revision }] };
}

/** The replacement of a batch. */
export interface Amendment {
  batch: number;
  /** The rows, as canonical CSV. */
  ref: Ref;
  rows: number;
  /** The file they come from, as it was given, and its columns. */
  raw: Ref;
  columns: Ref;
  /** ISO 8601, UTC. */
  at: string;
}

/**
 * Returns the ledger with a batch replaced. The old batch is kept, with the revisions in which it was valid.
 * The same bytes leave the ledger unchanged.
 * @throws MissingHistory when there is no such batch
 */
export function amendBatch(ledger: Ledger, amendment: Amendment): Ledger {
  const { batch, ref, rows, raw, columns, at } = amendment;
  const current = ledger.batches[batch - 1];
  if (current === undefined)
    throw new MissingHistory(
      `batch ${batch} of ${ledger.pipeline} has not been cut, so there is nothing to amend: ` +
        (ledger.batches.length === 0 ? 'it has none yet' : `the last is ${ledger.batches.length}`),
    );
  if (current.ref.sha256 === ref.sha256) return ledger;
  const revision = ledger.revision + 1;
  const { batch: _, replaced, ...was } = current;
  const amended: Ledger['batches'][number] = {
    batch,
    revision,
    rows,
    ref,
    raw: raw.sha256,
    from: null,
    replaced: [{ ...was, until: revision }, ...replaced],
  };
  return {
    ...ledger,
    revision,
    batches: ledger.batches.with(batch - 1, amended),
    amended: [...ledger.amended, { revision, batch, ref: raw, columns, rows, fetched_at: at }],
  };
}
