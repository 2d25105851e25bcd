import { rm } from 'node:fs/promises';
import { BadData, SourceRefused, StorageUnavailable } from '../../contract/failures.ts';
import { batchesKnown, isFilled, type Ledger } from '../../store/ledger/ledger.ts';
import type { GetDataRequest } from '../../contract/stages.ts';
import type { Execution } from '../../contract/execution.ts';
import { withScratch } from '../../store/own-folder.ts';
import { makeNextState, type NextState } from './next-state.ts';
import { mayGrow, withText } from './table.ts';
import type { SourceDeps } from '../source.ts';
import type { Params } from '../../contract/params.ts';
import type { Ref } from '../../contract/ref.ts';
import { stateFile } from '../../contract/paths.ts';
import { fileName } from '../identity.ts';
import type { SourceText } from '../source-text.ts';

/** A table whose first batches are cut, after get_data has checked it. */
export interface Known extends Pick<TableLook, 'ledger'> {
  /** The number of new rows; null if the source was not looked at. */
  added: number | null;
  warnings: string[];
}

/** The part of a request that decides whether a source is read again. */
export type Looking = Pick<GetDataRequest, 'batch' | 'cache' | 'refresh'>;

/**
 * Whether get_data looks at a source again: on request, or when the batch is not cut and the known rows do not
 * fill it. The built-in source is never looked at again.
 */
export function isLookDue(ledger: Ledger, source: string, request: Looking): boolean {
  if (!mayGrow(source) || request.cache === 'require') return false;
  return request.refresh || !isFilled(ledger, request.batch);
}

/**
 * Looks at the source again if that is due; otherwise checks what the client has uploaded. A source that can no
 * longer be read is a warning if no look was requested and the batch is known.
 * @throws BadData when known rows have changed
 */
export async function lookOrCheck(
  deps: SourceDeps,
  ledger: Ledger,
  request: GetDataRequest,
  { signal, heartbeat }: Execution,
): Promise<Known> {
  const { params, batch, source, cache, refresh } = request;
  if (!isLookDue(ledger, params.data.source, request)) {
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
    return { ledger, added: null, warnings: [describeUnread(ledger, error as Error)] };
  }
}

/** Whether a source no longer exists, or not on this machine: for example a file that only a client has. */
export function isOutOfReach(error: unknown): boolean {
  return (
    error instanceof SourceRefused || (error instanceof BadData && error.details['absent'] === true)
  );
}

/** Describes in a sentence that a source could not be read. */
export function describeUnread({ raw }: Ledger, { message }: Error): string {
  return `the source could not be looked at again, so the rows known at ${raw.at(-1)!.fetched_at} are used: ${message}`;
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
      : withScratch(deps, (folder) => makeNextState(deps, ledger, text, folder, { signal })),
  );
  if (next === undefined) return [];
  return [
    `${params.data.source} has ${next.added} rows that are not known yet: "--refresh" enters them`,
  ];
}

/** Tries when the ledger changes while new rows are stored. */
const TRIES = 10;

/** The result of a look at a table whose first batches are cut. */
export interface TableLook {
  ledger: Ledger;
  /** The number of new rows. */
  added: number;
}

export interface TableLookOptions {
  params: Params;
  /** The source's text, if the client has uploaded it. */
  source: Ref | null;
  signal: AbortSignal;
  onProgress?: (fraction: number) => void;
}

/**
 * Looks at a table again, and enters its new rows into the ledger. Later batches are cut from the new rows and
 * from earlier rows that are in no batch yet. Cut batches do not change.
 * @throws SourceUnavailable when trying again can help
 * @throws SourceRefused when the source cannot be read, BadData also when known rows have changed
 */
export async function lookAtTable(
  deps: SourceDeps,
  ledger: Ledger,
  options: TableLookOptions,
): Promise<TableLook> {
  return withText(deps, ledger, options, async (text) =>
    text === undefined ? { ledger, added: 0 } : enterNewRows(deps, ledger, text, options),
  );
}

async function enterNewRows(
  deps: SourceDeps,
  found: Ledger,
  text: SourceText,
  options: TableLookOptions,
): Promise<TableLook> {
  const { ledgers } = deps.store;
  let ledger = found;
  return withScratch(deps, async (folder) => {
    for (let tried = 0; tried < TRIES; tried++) {
      const next = await makeNextState(deps, ledger, text, folder, options);
      if (next === undefined) return { ledger, added: 0 };
      const entered = await ledgers.grow(
        ledger.pipeline,
        await storeState(deps, ledger, text, next, options.params),
      );
      if (entered !== undefined) return { ledger: entered, added: next.added };
      await rm(next.path);
      ledger = (await ledgers.read(ledger.pipeline)) ?? ledger;
    }
    throw new StorageUnavailable(
      `${ledger.pipeline} was changed by others ${TRIES} times while its new rows were stored: try again when fewer runs are active`,
    );
  });
}

async function storeState(
  { store }: SourceDeps,
  { batches, raw }: Ledger,
  { ref: whole, stamp }: SourceText,
  next: NextState,
  { data }: Params,
) {
  const last = raw.at(-1)!;
  const path = stateFile(batches.length, fileName(data.source));
  return {
    previousRevision: last.revision,
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
