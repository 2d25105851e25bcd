import { type Ref, withPath } from '../../contract/ref.ts';
import { hasState, type Ledger, batchesKnown, rowsWaiting } from '../../store/ledger/ledger.ts';
import type { Params } from '../../contract/params.ts';
import { localFile } from '../../store/local-cache.ts';
import { RAW } from '../../contract/paths.ts';
import { withSourceText, type SourceText } from '../source-text.ts';
import { fileName, kindOf } from '../identity.ts';
import type { Stamp, SourceDeps } from '../source.ts';
import { isPlace } from '../arrivals/open-place.ts';
import { RETRAIN } from '../../contract/command.ts';

/** Whether the table that `data.source` names may get more rows: the built-in one does not. */
export function mayGrow(source: string): boolean {
  return ['file', 'url', 's3', 'dvc'].includes(kindOf(source));
}

/** Returns the validators of the last known state of the source. */
export function lastStamp({ raw }: Ledger): Stamp {
  const { etag, last_modified: modified = null } = raw.at(-1)!;
  return { etag, modified };
}

/**
 * Calls `use` with the current text of a table as a file of this machine. The text is the client's upload if there
 * is one, or else the source.
 * @param use receives undefined when the ledger has that state already; then nothing is fetched
 * @throws SourceUnavailable when trying again can help, SourceRefused or BadData when it cannot
 */
export async function withText<T>(
  deps: Pick<SourceDeps, 'store' | 'local' | 'root' | 'scratch' | 'sources'>,
  ledger: Ledger,
  request: { params: Params; source: Ref | null; signal: AbortSignal },
  use: (text: SourceText | undefined) => Promise<T>,
): Promise<T> {
  const { params, source: uploaded, signal } = request;
  const { source, encoding, source_secret_env: secretEnv } = params.data;
  if (uploaded === null) {
    const known = lastStamp(ledger);
    const { root, scratch } = deps;
    const reader = { ...deps.sources, root, scratch, confined: true, signal };
    return withSourceText(source, { ...reader, encoding, known, secretEnv }, use);
  }
  if (hasState(ledger, uploaded)) return use(undefined);
  const ref = withPath(`${RAW}/${fileName(source)}`, uploaded);
  const file = await localFile(deps, ref);
  return use({ file, ref, stamp: { etag: null, modified: null } });
}

/** The batches that can be cut now. A short last batch that may still be filled is not one of them. */
export interface BatchesThere {
  /** Batches 1..last can be cut. */
  last: number;
  /** The number of rows that do not fill the next batch. */
  waiting: number;
}

/**
 * Returns the batches of a pipeline that have data. Before a table is read, only batch 1 is known. Batch 1 can be cut even
 * if it is short.
 */
export function batchesThere(ledger: Ledger | undefined, { data }: Params): BatchesThere {
  if (ledger === undefined) return { last: isPlace(data.source) ? 0 : 1, waiting: 0 };
  const known = batchesKnown(ledger);
  const isFirst = known === 1 && ledger.batches.length === 0;
  const waiting = mayGrow(data.source) && !isFirst ? rowsWaiting(ledger) : 0;
  return { last: waiting > 0 ? known - 1 : known, waiting };
}

/** Describes in a sentence the rows that wait, with the command that uses them. */
export function waitingSentence(
  { last, waiting }: BatchesThere,
  { pipeline, settings }: { pipeline: string; settings: { batch_size: number } },
): string {
  return `batch ${last + 1} waits for the rest of its ${settings.batch_size} rows: ${waiting} have arrived, and "${RETRAIN} run ${last + 1} --pipeline ${pipeline}" cuts it with those`;
}
