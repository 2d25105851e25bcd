import type { Ledger, RawEntry } from './schema.ts';

/** A later state of a table that grows, as a look has found it. */
export interface Grown {
  /** Revision of the raw data that it was the next state of. */
  next: number;
  raw: Omit<RawEntry, 'revision'>;
}

/**
 * The ledger with a later state of its table. What was known stays, for batches are cut from it.
 * @returns undefined when the ledger has moved on since the look: it no longer has as many batches, or the
 *   same state before
 */
export function enterGrown(ledger: Ledger, { next, raw }: Grown): Ledger | undefined {
  const last = ledger.raw.at(-1)!;
  const isEntered =
    last.ref.sha256 === raw.ref.sha256 &&
    last.after === raw.after &&
    last.whole?.sha256 === raw.whole?.sha256;
  if (isEntered) return ledger;
  if (last.revision !== next || ledger.batches.length !== raw.after) return undefined;
  const revision = ledger.revision + 1;
  return { ...ledger, revision, raw: [...ledger.raw, { ...raw, revision }] };
}
