import { BadData } from '../../contract/failures.ts';
import { wholeOf, type Ledger, type RawEntry } from '../../store/ledger/ledger.ts';
import { localFile } from '../../store/scratch.ts';
import type { Brought } from '../bring.ts';
import { beginsWith } from './prefix.ts';
import type { SourceDeps } from '../source.ts';

/** What is needed to read states of a table. */
export type Reading = Pick<SourceDeps, 'store' | 'local' | 'compute'>;

/**
 * Checks that a table still has the rows that are known of it. Those of a batch that was amended may be
 * others; rows written differently (in quotes, with other line breaks) are the same.
 * @throws BadData showing the first row that has changed or gone
 */
export async function checkPast(
  deps: Reading,
  ledger: Ledger,
  { file, ref }: Pick<Brought, 'file' | 'ref'>,
  signal: AbortSignal,
): Promise<void> {
  if (await beginsWith(file, wholeOf(ledger.raw.at(-1)!))) return;
  const { delimiter, batch_size: batchSize, shuffle_seed: shuffleSeed } = ledger.settings;
  const states = ledger.raw.map((entry) => ({
    after: entry.after,
    rows: wholeOf(entry).rows,
  }));
  const known = await Promise.all(
    ledger.raw.map(async (entry, i) => ({
      path: await localFile(deps, entry.ref),
      file: entry.ref.path,
      delimiter,
      skip: entry.rows - newRows(ledger.raw, i),
    })),
  );
  const changed = await deps.compute(
    'firstChange',
    {
      known,
      whole: { path: file, file: ref.path, delimiter },
      table: { states, batchSize, shuffleSeed },
      amended: ledger.batches.filter(({ from }) => from === null).map(({ batch }) => batch),
    },
    signal,
  );
  if (changed !== null) throw pastChanged(ledger, changed);
}

/** Rows that a state brought which the one before did not have. */
function newRows(raw: readonly RawEntry[], i: number): number {
  return wholeOf(raw[i]!).rows - (i === 0 ? 0 : wholeOf(raw[i - 1]!).rows);
}

function pastChanged(
  { settings, pipeline, batches }: Ledger,
  { where, batch }: { where: string; batch: number | null },
): BadData {
  const source = settings.source.name;
  const told = `${source} has changed where it may only grow: ${where}`;
  if (batch === null)
    return new BadData(
      `${told}; put them back, or choose a new pipeline name instead of ${pipeline} with --pipeline`,
      { details: { source } },
    );
  const first =
    batch > batches.length ? `"stage prepare_batch ${batch}" to cut it as it was, then ` : '';
  return new BadData(
    `${told}; batch ${batch} of ${pipeline} keeps the rows it has: put the source back, or give the batch ` +
      `its rows by ${first}"amend ${batch} --source FILE", and run this again`,
    { details: { source, batch } },
  );
}
