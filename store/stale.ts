import { batchesAt } from './ledger/read.ts';
import type { Ledger } from './ledger/schema.ts';

/** A version that rests on rows which have been replaced since. */
export interface Stale {
  version: number;
  /** The batches that are others now than when it was built. */
  batches: number[];
}

/**
 * The versions whose batches are others now than at the ledger revision they were built from. One that
 * was amended and amended back is as it was, and so is not stale.
 */
export function staleVersions(
  ledger: Ledger,
  built: readonly { version: number; ledger_revision: number }[],
): Stale[] {
  const amended = ledger.batches.filter(({ replaced }) => replaced.length > 0);
  if (amended.length === 0) return [];
  return built.flatMap(({ version, ledger_revision }) => {
    const then = batchesAt(ledger, version, ledger_revision);
    const batches = amended
      .filter(({ batch, ref }) => batch <= version && then[batch - 1]!.ref.sha256 !== ref.sha256)
      .map(({ batch }) => batch);
    return batches.length === 0 ? [] : [{ version, batches }];
  });
}
