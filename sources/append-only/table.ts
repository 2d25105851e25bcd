import { type Ref, at } from '../../contract/ref.ts';
import { hasState, type Ledger, batchesKnown, rowsWaiting } from '../../store/ledger/ledger.ts';
import type { Params } from '../../contract/params.ts';
import { localFile } from '../../store/local-cache.ts';
import { RAW } from '../../contract/paths.ts';
import { bringIn, type Brought } from '../source-text.ts';
import { fileName, kindOf } from '../identity.ts';
import type { Stamp, SourceDeps } from '../source.ts';
import { isPlace } from '../arrivals/open-place.ts';

/** Whether rows may still come to the table that `data.source` names: the built-in one is closed. */
export function mayGrow(source: string): boolean {
  return ['file', 'url', 's3', 'dvc'].includes(kindOf(source));
}

/** What the source was called in the state known last. */
export function lastStamp({ raw }: Ledger): Stamp {
  const { etag, last_modified: modified = null } = raw.at(-1)!;
  return { etag, modified };
}

/**
 * The text of a table as it is now, on this machine: what the client has uploaded, else what the source
 * holds.
 * @param use is given undefined when that is a state the ledger has: nothing is fetched then
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export async function withText<T>(
  deps: Pick<SourceDeps, 'store' | 'local' | 'root' | 'sources'>,
  ledger: Ledger,
  asked: { params: Params; source: Ref | null; signal: AbortSignal },
  use: (text: Brought | undefined) => Promise<T>,
): Promise<T> {
  const { params, source: uploaded, signal } = asked;
  const { source, encoding } = params.data;
  if (uploaded === null) {
    const known = lastStamp(ledger);
    const place = { ...deps.sources, root: deps.root, confined: true, encoding, known, signal };
    return bringIn(source, place, use);
  }
  if (hasState(ledger, uploaded)) return use(undefined);
  const ref = at(`${RAW}/${fileName(source)}`, uploaded);
  const file = await localFile(deps, ref);
  return use({ file, ref, stamp: { etag: null, modified: null } });
}

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
