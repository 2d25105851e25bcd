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

/** The bytes of the columns artifact that get_data makes. */
export function encodeColumns(columns: readonly Column[]): Uint8Array {
  return Buffer.from(JSON.stringify({ schema: 1, columns }));
}

/** The reference of the columns artifact a batch is cut and encoded by. */
export function columnsRef(ledger: Ledger, batch: number): Ref {
  const columns = columnsAt(ledger, batch);
  return columns.length === ledger.settings.columns.length
    ? rawOf(ledger, batch).columns
    : refOf(COLUMNS, encodeColumns(columns));
}

/**
 * The columns artifact that a batch's part is encoded by in a version whose columns are `ref`: those that
 * later files have added are not in it.
 * @returns its bytes too where it is another than the version's
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

/** The columns of the raw data with their types, as get_data found or was told them. */
export async function readColumns(
  { store }: { store: Pick<Store, 'artifacts'> },
  ref: Ref,
): Promise<Column[]> {
  const bytes = await store.artifacts.get(ref);
  return columnsSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).columns;
}
