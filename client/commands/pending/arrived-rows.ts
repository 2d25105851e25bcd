import { existsSync } from 'node:fs';
import { batchesThere, lastStamp, mayGrow } from '../../../sources/append-only/table.ts';
import { makeNextState } from '../../../sources/append-only/next-state.ts';
import { withSourceText, type SourceText } from '../../../sources/source-text.ts';
import { kindOf } from '../../../sources/identity.ts';
import type { Stamp } from '../../../sources/source.ts';
import { withOwnFolder } from '../../../store/own-folder.ts';
import { countBatches } from '../../../pipeline/batches/order.ts';
import { taskOf } from '../../../contract/defaults.ts';
import { readCellSettings } from '../../../pipeline/csv/cells.ts';
import { batchesKnown, rawEntryOf, type Ledger } from '../../../store/ledger/ledger.ts';
import { computeHere, type Arrived, type ArrivedBatch, type Looking } from './looking.ts';

/**
 * The batches of a table: first those of the known rows, then those of new rows. An incomplete last batch that
 * may still grow is left out, except batch 1.
 * @throws BadData when known rows have changed
 */
export async function listArrivedRows(looking: Looking): Promise<Arrived> {
  const { ledger, params } = looking;
  const { source, batch_size: size } = params.data;
  const isHere = !['file', 'dvc'].includes(kindOf(source)) || existsSync(removeScheme(source));
  const warnings = isHere
    ? []
    : [`${source} is not on this machine: only what the ledger knows is listed`];
  if (ledger === undefined || ledger.batches.length === 0) {
    const rows = isHere ? await countArrivedRows(looking) : 0;
    const waiting = mayGrow(source) && rows > size ? rows % size : 0;
    const batches = Array.from({ length: countBatches(rows - waiting, size) }, (_, i) => ({
      batch: i + 1,
      rows: Math.min(size, rows - i * size),
      file: null,
      isNew: true,
    }));
    return { batches, waiting, warnings };
  }
  const now = isHere && mayGrow(source) ? await growLedger(looking, ledger) : ledger;
  const { last, waiting } = batchesThere(now, params);
  const known = batchesThere(ledger, params).last;
  const batches = Array.from({ length: last }, (_, i): ArrivedBatch => {
    const batch = i + 1;
    return { batch, rows: countBatchRows(now, batch), file: null, isNew: batch > known };
  });
  return { batches, waiting, warnings };
}

/** The ledger with the rows that a run would add; nothing is stored. */
async function growLedger({ deps, ...looking }: Looking, ledger: Ledger): Promise<Ledger> {
  const last = ledger.raw.at(-1)!;
  return withOwnFolder(looking.scratch, 'pending', async (folder) => {
    const next = await withSource(looking, lastStamp(ledger), async (text) =>
      text === undefined
        ? undefined
        : makeNextState(deps, ledger, text, folder, { signal: new AbortController().signal }),
    );
    if (next === undefined) return ledger;
    const state = { ...last, after: ledger.batches.length, rows: next.rows };
    return { ...ledger, raw: [...ledger.raw, state] };
  });
}

/**
 * Counts the rows of the table in a source on this machine.
 * @throws BadData when it is no table, or lacks the target
 */
export async function countArrivedRows(
  looking: Pick<Looking, 'params' | 'sources' | 'scratch'>,
): Promise<number> {
  const { data } = looking.params;
  return withSource(looking, undefined, async (text) => {
    const { rows } = await computeHere(
      'inspectRaw',
      {
        path: text!.file, // undefined only where a known state is given
        file: text!.ref.path,
        target: data.target,
        declared: data.columns,
        cells: readCellSettings(data),
        task: taskOf(looking.params),
        delimiter: data.delimiter,
      },
      new AbortController().signal,
    );
    return rows;
  });
}

function withSource<T>(
  { params, sources, scratch }: Pick<Looking, 'params' | 'sources' | 'scratch'>,
  known: Stamp | undefined,
  use: (text: SourceText | undefined) => Promise<T>,
): Promise<T> {
  const { source, encoding, source_secret_env: secretEnv } = params.data;
  const reader = { ...sources, scratch, root: process.cwd(), confined: false };
  const place = { ...reader, encoding, known, secretEnv };
  return withSourceText(source, place, use);
}

function countBatchRows(ledger: Ledger, batch: number): number {
  const standing = ledger.batches[batch - 1];
  if (standing !== undefined) return standing.rows;
  const { batch_size: size } = ledger.settings;
  const { after, rows } = rawEntryOf(ledger, batchesKnown(ledger));
  return Math.min(size, rows - (batch - 1 - after) * size);
}

function removeScheme(source: string): string {
  return source.replace(/^dvc:\/\//, '');
}
