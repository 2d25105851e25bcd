import { open } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { BadData } from '../../contract/failures.ts';
import { wholeOf, type Ledger, type RawEntry } from '../../store/ledger/ledger.ts';
import { localFile } from '../../store/local-cache.ts';
import type { SourceText } from '../source-text.ts';
import type { SourceDeps } from '../source.ts';
import { RETRAIN } from '../../contract/command.ts';

/** The parts of a worker that read states of a table. */
export type Reading = Pick<SourceDeps, 'store' | 'local' | 'compute'>;

/**
 * Checks that a table still has its known rows. Rows of an amended batch may differ. Rows that are written
 * differently (with quotes, or other line breaks) are the same.
 * @throws BadData showing the first row that has changed or is missing
 */
export async function checkPast(
  deps: Reading,
  ledger: Ledger,
  { file, ref }: Pick<SourceText, 'file' | 'ref'>,
  signal: AbortSignal,
): Promise<void> {
  if (await startsWith(file, wholeOf(ledger.raw.at(-1)!))) return;
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
      skip: entry.rows - countNewRows(ledger.raw, i),
    })),
  );
  const changed = await deps.compute(
    'findFirstChange',
    {
      known,
      whole: { path: file, file: ref.path, delimiter },
      table: { states, batchSize, shuffleSeed },
      amended: ledger.batches.filter(({ from }) => from === null).map(({ batch }) => batch),
    },
    signal,
  );
  if (changed !== null) throw changedError(ledger, changed);
}

/** Counts the rows of a state that the state before it does not have. */
function countNewRows(raw: readonly RawEntry[], i: number): number {
  return wholeOf(raw[i]!).rows - (i === 0 ? 0 : wholeOf(raw[i - 1]!).rows);
}

function changedError(
  { settings, pipeline, batches }: Ledger,
  { where, batch }: { where: string; batch: number | null },
): BadData {
  const source = settings.source.name;
  const what = `${source} has changed where it may only grow: ${where}`;
  if (batch === null)
    return new BadData(
      `${what}; put them back, or choose a new pipeline name instead of ${pipeline} with --pipeline`,
      { details: { source } },
    );
  const amend = `"${RETRAIN} amend ${batch} --source FILE --pipeline ${pipeline}", and run this again`;
  const isCut = batch <= batches.length;
  return new BadData(
    isCut
      ? `${what}; batch ${batch} of ${pipeline} keeps the rows it has: put the source back, or give the batch its rows by ${amend}`
      : `${what}; put the source back. If the change is right: batch ${batch} of ${pipeline}, which is not cut yet, has the rows that are stored; ` +
          `cut it with "${RETRAIN} stage prepare_batch ${batch} --pipeline ${pipeline}", then give it other rows by ${amend}`,
    { details: { source, batch } },
  );
}

const CHUNK = 1 << 20;
const [LF, CR] = [10, 13];

/**
 * Whether a file starts with a known text that ends at the end of a row.
 * @param known the size in bytes and the SHA-256 of that text
 */
async function startsWith(file: string, known: { size: number; sha256: string }): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const hash = createHash('sha256');
    const chunk = Buffer.allocUnsafe(CHUNK);
    let last = LF;
    for (let at = 0; at < known.size;) {
      const length = Math.min(CHUNK, known.size - at);
      const { bytesRead } = await handle.read(chunk, 0, length, at);
      if (bytesRead === 0) return false;
      hash.update(chunk.subarray(0, bytesRead));
      last = chunk[bytesRead - 1]!;
      at += bytesRead;
    }
    if (hash.digest('hex') !== known.sha256) return false;
    const { bytesRead } = await handle.read(chunk, 0, 1, known.size);
    return [last, bytesRead === 0 ? LF : chunk[0]!].some((byte) => byte === LF || byte === CR);
  } finally {
    await handle.close();
  }
}
