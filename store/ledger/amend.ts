import { MissingHistory } from '../../contract/failures.ts';
import type { Ledger } from './schema.ts';
import type { Ref } from '../../contract/ref.ts';

/** What is to stand in place of a batch. */
export interface Amendment {
  batch: number;
  /** The rows, as canonical CSV. */
  ref: Ref;
  rows: number;
  /** The file they come from, as it was handed over, and its columns. */
  raw: Ref;
  columns: Ref;
  /** ISO 8601, UTC. */
  at: string;
}

/**
 * The ledger with a batch replaced: what stood there before is kept with the revisions it was valid in.
 * The same bytes leave the ledger as it is.
 * @throws MissingHistory when there is no such batch
 */
export function amendBatch(ledger: Ledger, amendment: Amendment): Ledger {
  const { batch, ref, rows, raw, columns, at } = amendment;
  const standing = ledger.batches[batch - 1];
  if (standing === undefined)
    throw new MissingHistory(
      `batch ${batch} of ${ledger.pipeline} has not been cut, so there is nothing to amend: ` +
        (ledger.batches.length === 0 ? 'it has none yet' : `the last is ${ledger.batches.length}`),
    );
  if (standing.ref.sha256 === ref.sha256) return ledger;
  const revision = ledger.revision + 1;
  const { batch: _, replaced, ...was } = standing;
  const amended: Ledger['batches'][number] = {
    batch,
    revision,
    rows,
    ref,
    raw: raw.sha256,
    from: null,
    replaced: [{ ...was, until: revision }, ...replaced],
  };
  return {
    ...ledger,
    revision,
    batches: ledger.batches.with(batch - 1, amended),
    amended: [...ledger.amended, { revision, batch, ref: raw, columns, rows, fetched_at: at }],
  };
}
