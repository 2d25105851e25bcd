import { z } from 'zod';
import { type Column, selectColumns } from '../pipeline/batches/columns.ts';
import { columnType } from '../contract/params.ts';
import { refOf } from './hash.ts';
import type { Store } from './index.ts';
import { columnsAt, rawOf, type Ledger } from './ledger/ledger.ts';
import type { Ref } from '../contract/ref.ts';
import { RAW } from '../contract/paths.ts';

const COLUMNS = `${RAW}/columns.json`;

const columnsSchema = z.object({
  schema: z.literal(1),
  columns: z.array(
    z.object({
      name: z.string(),
      type: columnType,
      since: z.int().optional(),
    }),
  ),
});

/** Returns the bytes of the columns artifact that get_data makes. */
export function encodeColumns(columns: readonly Column[]): Uint8Array {
  return Buffer.from(JSON.stringify({ schema: 1, columns }));
}

/** Returns the reference of the columns artifact that a batch is cut and encoded with. */
export function columnsRef(ledger: Ledger, batch: number): Ref {
  const columns = columnsAt(ledger, batch);
  return columns.length === ledger.settings.columns.length
    ? rawOf(ledger, batch).columns
    : refOf(COLUMNS, encodeColumns(columns));
}

/**
 * Returns the columns artifact that a batch's part is encoded with, in a version whose columns are `ref`.
 * Columns that later files added are not in it.
 * @returns also the bytes, if the artifact is not the version's own
 */
export function partColumns(
  ref: Ref,
  columns: readonly Column[],
  batch: number,
): { ref: Ref; bytes?: Uint8Array } {
  const own = selectColumns(columns, batch);
  if (own.length === columns.length) return { ref };
  const bytes = encodeColumns(own);
  return { ref: refOf(ref.path, bytes), bytes };
}

/** Returns the columns of the raw data with their types, found by get_data or declared in the params. */
export async function readColumns(
  { store }: { store: Pick<Store, 'artifacts'> },
  ref: Ref,
): Promise<Column[]> {
  const bytes = await store.artifacts.get(ref);
  return columnsSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).columns;
}
