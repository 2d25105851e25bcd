import { Conflict } from '../../contract/failures.ts';
import type { Column } from '../../pipeline/batches/columns.ts';
import { hashOf } from '../hash.ts';
import type { Ledger, NewRaw, Quarantined, Settings } from './schema.ts';

/** A file of a folder or a prefix that can be a batch. */
export interface Arrived {
  name: string;
  stamp: string | null;
  raw: NewRaw;
  /** Columns it has that those before it lack, where the contract takes them in. */
  added?: readonly Column[];
}

/** What a look at a folder or a prefix found. */
export interface Look {
  settings: Settings;
  /** Files that were not known, in the order they are to have. */
  arrived: readonly Arrived[];
  quarantined: readonly Quarantined[];
  /** ISO 8601, UTC. */
  at: string;
}

/**
 * The ledger after a look. The order of what is known never changes: a name that another look has
 * entered meanwhile stays where it is. A ledger without batches whose settings are others starts over.
 * @throws Conflict when batches have been cut under other settings
 */
export function enterLook(current: Ledger | undefined, pipeline: string, look: Look): Ledger {
  const base = baseOf(current, pipeline, look.settings);
  const known = new Set(base.arrivals.map(({ name }) => name));
  const added = look.arrived.filter(({ name }) => !known.has(name));
  const since = new Map(base.quarantined.map((entry) => [sameness(entry), entry]));
  const quarantined = look.quarantined.map((entry) => {
    const { seen_at } = since.get(sameness(entry)) ?? entry;
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

function baseOf(current: Ledger | undefined, pipeline: string, settings: Settings): Ledger {
  const same = current !== undefined && hashOf(current.settings) === hashOf(settings);
  if (same) return current;
  if (current !== undefined && current.batches.length > 0)
    throw new Conflict(
      `another run has cut batches of ${pipeline} under other settings while this one looked for new files: run it again, or choose another pipeline name`,
    );
  return {
    schema: 2,
    pipeline,
    revision: current?.revision ?? 0,
    settings,
    raw: [],
    batches: [],
    arrivals: [],
    quarantined: [],
    amended: [],
    added_columns: [],
  };
}

/** What another look has entered meanwhile stays as it is. */
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

/** The same bad file for the same reason has been in quarantine since it was first seen. */
function sameness({ seen_at: _, rules: _by, ...entry }: Quarantined): string {
  return hashOf(entry);
}
