import type { NewBatch } from '../../store/ledger/ledger.ts';

/** A batch that is not the same on both sides: added, left out, or cut from other rows. */
export interface BatchChange {
  batch: number;
  /** Rows and MD5; null where a side has no such batch. */
  old: { rows: number; md5: string } | null;
  new: { rows: number; md5: string } | null;
}

type Batch = Pick<NewBatch, 'rows' | 'ref'>;

/** The batches that differ, in their order. */
export function batchChanges(before: readonly Batch[], after: readonly Batch[]): BatchChange[] {
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, i) => ({
    batch: i + 1,
    old: told(before[i]),
    new: told(after[i]),
  })).filter(({ old, new: now }) => old?.md5 !== now?.md5);
}

function told(batch: Batch | undefined): BatchChange['old'] {
  return batch === undefined ? null : { rows: batch.rows, md5: batch.ref.md5 };
}
