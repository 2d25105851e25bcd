import { rm } from 'node:fs/promises';
import { BadData, SourceRefused, StorageUnavailable } from '../../contract/failures.ts';
import { batchesKnown, rowsWaiting, type Ledger } from '../../store/ledger/ledger.ts';
import type { GetDataRequest } from '../../contract/stages.ts';
import type { Execution } from '../../contract/execution.ts';
import { withScratch } from '../../store/own-folder.ts';
import { nextState, type NextState } from './next-state.ts';
import { mayGrow, withText } from './table.ts';
import type { SourceDeps } from '../source.ts';
import type { Params } from '../../contract/params.ts';
import type { Ref } from '../../contract/ref.ts';
import { stateFile } from '../../contract/paths.ts';
import { fileName } from '../identity.ts';
import type { Brought } from '../source-text.ts';

/** What get_data knows of a table whose first batches are cut. */
export interface Known extends Pick<TableLook, 'ledger'> {
  /** Rows that are new; null where nobody looked. */
  added: number | null;
  warnings: string[];
}

/** What decides whether a source is read again. */
export type Looking = Pick<GetDataRequest, 'batch' | 'cache' | 'refresh'>;

/**
 * Whether get_data looks at a source again: asked to, or for a batch that is not cut and that the rows
 * known do not fill. Never for a batch that is cut, nor for the source that is built in.
 */
export function looksAgain(ledger: Ledger, source: string, asked: Looking): boolean {
  if (!mayGrow(source) || asked.cache === 'require') return false;
  return asked.refresh || !isFilled(ledger, asked.batch);
}

/** Whether a batch is cut, or could be with all the rows it may have. */
function isFilled(ledger: Ledger, batch: number): boolean {
  if (batch <= ledger.batches.length) return true;
  const known = batchesKnown(ledger);
  return batch < known || (batch === known && rowsWaiting(ledger) === 0);
}

/**
 * Looks at the source again where that is due; else checks what the client has uploaded of it. A source
 * that can no longer be read is a warning where nobody asked to look and the batch is known.
 * @throws BadData when rows that are known have changed
 */
export async function lookOrCheck(
  deps: SourceDeps,
  ledger: Ledger,
  request: GetDataRequest,
  { signal, heartbeat }: Execution,
): Promise<Known> {
  const { params, batch, source, cache, refresh } = request;
  if (!looksAgain(ledger, params.data.source, request)) {
    const warnings =
      source === null || cache === 'require'
        ? []
        : await checkUploaded(deps, ledger, request, signal);
    if (refresh && !mayGrow(params.data.source))
      warnings.push(`${params.data.source} is built in: it has no new rows`);
    return { ledger, added: null, warnings };
  }
  try {
    const look = await lookAtTable(deps, ledger, {
      params,
      source,
      signal,
      onProgress: (fraction) => heartbeat({ stage: 'get_data', fraction }),
    });
    return { ...look, warnings: [] };
  } catch (error) {
    if (refresh || batch > batchesKnown(ledger) || !isOutOfReach(error)) throw error;
    return { ledger, added: null, warnings: [goingBy(ledger, error as Error)] };
  }
}

/** Whether a source is not there any more, or not here: for one, a file that only a client has. */
export function isOutOfReach(error: unknown): boolean {
  return (
    error instanceof SourceRefused || (error instanceof BadData && error.details['absent'] === true)
  );
}

/** A source that could not be looked at, in a sentence. */
export function goingBy({ raw }: Ledger, { message }: Error): string {
  return `the source could not be looked at again, so this goes by what was known at ${raw.at(-1)!.fetched_at}: ${message}`;
}

async function checkUploaded(
  deps: SourceDeps,
  ledger: Ledger,
  { params, source }: GetDataRequest,
  signal: AbortSignal,
): Promise<string[]> {
  const next = await withText(deps, ledger, { params, source, signal }, async (text) =>
    text === undefined
      ? undefined
      : withScratch(deps, (folder) => nextState(deps, ledger, text, folder, { signal })),
  );
  if (next === undefined) return [];
  return [
    `${params.data.source} has ${next.added} rows that are not known yet: "--refresh" takes them in`,
  ];
}

/** Times the ledger may move on while new rows are being taken in. */
const TRIES = 10;

/** A look at a table whose first batches are cut. */
export interface TableLook {
  ledger: Ledger;
  /** Rows that were not known. */
  added: number;
}

export interface TableLookOptions {
  params: Params;
  /** What the client has uploaded of the source. */
  source: Ref | null;
  signal: AbortSignal;
  onProgress?: (fraction: number) => void;
}

/**
 * Looks at a table again, and enters its new rows into the ledger: they, and those before them that are in
 * no batch yet, are what later batches are cut from. Batches that are cut stay as they are.
 * @throws SourceUnavailable when trying again can help
 * @throws SourceRefused when the source cannot be read, BadData also when rows that are known have changed
 */
export async function lookAtTable(
  deps: SourceDeps,
  ledger: Ledger,
  options: TableLookOptions,
): Promise<TableLook> {
  return withText(deps, ledger, options, async (text) =>
    text === undefined ? { ledger, added: 0 } : takeIn(deps, ledger, text, options),
  );
}

async function takeIn(
  deps: SourceDeps,
  found: Ledger,
  text: Brought,
  options: TableLookOptions,
): Promise<TableLook> {
  const { ledgers } = deps.store;
  let ledger = found;
  return withScratch(deps, async (folder) => {
    for (let tried = 0; tried < TRIES; tried++) {
      const next = await nextState(deps, ledger, text, folder, options);
      if (next === undefined) return { ledger, added: 0 };
      const entered = await ledgers.grow(
        ledger.pipeline,
        await stored(deps, ledger, text, next, options.params),
      );
      if (entered !== undefined) return { ledger: entered, added: next.added };
      await rm(next.path);
      ledger = (await ledgers.read(ledger.pipeline)) ?? ledger;
    }
    throw new StorageUnavailable(
      `${ledger.pipeline} was changed by others ${TRIES} times while new rows were taken in: try again when fewer runs are at work`,
    );
  });
}

async function stored(
  { store }: SourceDeps,
  { batches, raw }: Ledger,
  { ref: whole, stamp }: Brought,
  next: NextState,
  { data }: Params,
) {
  const last = raw.at(-1)!;
  const path = stateFile(batches.length, fileName(data.source));
  return {
    next: last.revision,
    raw: {
      ref: await store.artifacts.putFile(path, next.path),
      columns: last.columns,
      rows: next.rows,
      fetched_at: new Date().toISOString(),
      etag: stamp.etag,
      last_modified: stamp.modified,
      after: batches.length,
      whole: { size: whole.size, sha256: whole.sha256, rows: next.whole },
    },
  };
}
