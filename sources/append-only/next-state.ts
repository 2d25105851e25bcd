import { join } from 'node:path';
import { readCellSettings } from '../../pipeline/csv/cells.ts';
import { hasState, shuffleSeedOf, wholeOf, type Ledger } from '../../store/ledger/ledger.ts';
import type { SourceText } from '../source-text.ts';
import { localFile } from '../../store/local-cache.ts';
import { checkPast, type Reading } from './past.ts';

/** The next state of a table, in a file of this machine. */
export interface NextState {
  path: string;
  /** Rows of the file, which are in no batch yet. */
  rows: number;
  /** Rows of the whole table. */
  whole: number;
  /** The number of new rows. */
  added: number;
}

/**
 * Makes the state of a table that follows the last known one.
 * @param folder where the state is written
 * @param onProgress called with the share that is done, 0 to 1
 * @returns undefined when there is no new row
 * @throws BadData when known rows have changed, or new rows do not fit the columns
 */
export async function makeNextState(
  deps: Reading,
  ledger: Ledger,
  text: Pick<SourceText, 'file' | 'ref'>,
  folder: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress?: (fraction: number) => void },
): Promise<NextState | undefined> {
  if (hasState(ledger, text.ref)) return undefined;
  await checkPast(deps, ledger, text, signal);
  const last = ledger.raw.at(-1)!;
  const { settings, batches } = ledger;
  const path = join(folder, 'state.csv');
  const known = wholeOf(last).rows;
  const { whole, rows } = await deps.compute(
    'growRaw',
    {
      before: {
        path: await localFile(deps, last.ref),
        file: last.ref.path,
        delimiter: settings.delimiter,
        rows: last.rows,
        shuffleSeed: shuffleSeedOf(settings, last),
        cut: (batches.length - last.after) * settings.batch_size,
      },
      whole: { path: text.file, file: text.ref.path, delimiter: settings.delimiter },
      known,
      columns: settings.columns,
      cells: readCellSettings(settings),
      batchSize: settings.batch_size,
      path,
    },
    signal,
    onProgress === undefined ? undefined : ({ fraction }) => onProgress(fraction),
  );
  return rows === 0 ? undefined : { path, rows, whole, added: whole - known };
}
