import { rm } from 'node:fs/promises';
import { StorageUnavailable } from '../../contract/failures.ts';
import type { Params } from '../../contract/params.ts';
import type { Ledger } from '../../store/ledger/ledger.ts';
import type { Ref } from '../../contract/ref.ts';
import { withScratch } from '../../store/scratch.ts';
import { stateFile } from '../../contract/paths.ts';
import { fileName } from '../identity.ts';
import type { Brought } from '../bring.ts';
import { nextState, type NextState } from './next-state.ts';
import { withText } from './text.ts';
import type { SourceDeps } from '../source.ts';

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
