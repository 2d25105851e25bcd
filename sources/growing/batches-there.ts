import type { Params } from '../../contract/params.ts';
import { batchesKnown, rowsWaiting, type Ledger } from '../../store/ledger/ledger.ts';
import { isPlace } from '../arrivals/open-place.ts';
import { mayGrow } from './text.ts';

/** The batches that can be made without cutting one short that may still be filled. */
export interface BatchesThere {
  /** Batches 1..last are there. */
  last: number;
  /** Rows that wait for others to fill the batch after those. */
  waiting: number;
}

/**
 * Which batches of a pipeline there are data for. Of a table that has not been read only the first is known.
 */
export function batchesThere(ledger: Ledger | undefined, { data }: Params): BatchesThere {
  if (ledger === undefined) return { last: isPlace(data.source) ? 0 : 1, waiting: 0 };
  const known = batchesKnown(ledger);
  const waiting = ledger.batches.length > 0 && mayGrow(data.source) ? rowsWaiting(ledger) : 0;
  return { last: waiting > 0 ? known - 1 : known, waiting };
}

/** That rows wait, and how not to. */
export function waitingSentence({ last, waiting }: BatchesThere, { settings }: Ledger): string {
  return `batch ${last + 1} waits for the rest of its ${settings.batch_size} rows: ${waiting} have come, and "run ${last + 1}" cuts it with those`;
}
