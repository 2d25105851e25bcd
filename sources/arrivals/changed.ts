import { BadData, BadParams } from '../../contract/failures.ts';
import type { Params } from '../../contract/params.ts';
import { columnsAt, type Ledger } from '../../store/ledger/ledger.ts';
import { sha256 } from '../../store/hash.ts';
import { conformInput, decodeFile } from './take-in.ts';
import type { Place, SeenFile } from './place.ts';
import type { SourceDeps } from '../source.ts';

interface Options {
  params: Params;
  place: Place;
  signal: AbortSignal;
}

/** A file that has been rewritten since it arrived. */
export interface ChangedFile {
  name: string;
  batch: number;
  /** Whether the batch is cut, and can be amended. */
  isCut: boolean;
}

/**
 * Returns the known files whose rows differ from their batches: they have been rewritten since they arrived, and
 * the batch was not amended with them. A file is read only if its stamp does not show that it is the same.
 */
export async function findChanged(
  deps: Pick<SourceDeps, 'compute'>,
  ledger: Ledger,
  files: readonly SeenFile[],
  options: Options,
): Promise<ChangedFile[]> {
  const batches = new Map(ledger.arrivals.map((arrival, i) => [arrival.name, i + 1]));
  const changed: ChangedFile[] = [];
  for (const file of files) {
    const batch = batches.get(file.name);
    if (batch === undefined) continue;
    const { stamp, raw } = ledger.arrivals[batch - 1]!;
    if (stamp !== null && stamp === file.stamp) continue;
    // A folder does not say the hash of a file, and a batch that is not cut yet has none either.
    const cut = ledger.batches[batch - 1];
    if (file.sha256 !== undefined && [raw, cut?.raw].includes(file.sha256)) continue;
    if (await differs(deps, ledger, batch, file, options))
      changed.push({ name: file.name, batch, isCut: cut !== undefined });
  }
  return changed;
}

async function differs(
  deps: Pick<SourceDeps, 'compute'>,
  ledger: Ledger,
  batch: number,
  file: SeenFile,
  { params, place, signal }: Options,
): Promise<boolean> {
  const arrived = ledger.arrivals[batch - 1]!;
  const cut = ledger.batches[batch - 1];
  try {
    const bytes = await place.read(file);
    if (bytes === undefined) return false; // still being written: the next look checks it
    const hash = sha256(bytes);
    if (hash === arrived.raw || hash === cut?.raw) return false;
    if (cut === undefined) return true;
    const text = await decodeFile(file.name, bytes, ledger.settings.encoding);
    const whole = conformInput(file.name, text, ledger.settings, params, columnsAt(ledger, batch));
    const now = await deps.compute('conformBatch', whole, signal);
    return sha256(now.bytes) !== cut.ref.sha256;
  } catch (error) {
    if (error instanceof BadData || error instanceof BadParams) return true;
    throw error;
  }
}
