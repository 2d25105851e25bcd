import { z } from 'zod';
import { type Column, selectColumns } from '../pipeline/batches/columns.ts';
import { columnType } from '../contract/params.ts';
import { refOf } from './hash.ts';
import type { Store } from './index.ts';
import { columnsAt, rawOf, type Ledger } from './ledger/ledger.ts';
import type { Ref } from '../contract/ref.ts';
import { RAW } from '../contract/paths.ts';
import { parseStored } from './stored-json.ts';

const COLUMNS = `${RAW}/columns.json`;

const columnsSchema = z.object({
  schema: z.union([z.literal(1), z.literal(2)]),
  columns: z.array(
    z.object({
      name: z.string(),
      type: columnType,
      since: z.int().optional(),
      open: z.literal(true).optional(),
    }),
  ),
});

/**
 * Returns the bytes of the columns artifact that get_data makes. Dates and open columns need schema 2; other columns
 * keep the bytes that the ledgers of earlier programs name.
 */
export function encodeColumns(columns: readonly Column[]): Uint8Array {
  const isNew = columns.some(({ type, open }) => type === 'date' || open === true);
  const ordered = columns.map(({ name, type, since, open }) => ({ name, type, since, open }));
  return Buffer.from(JSON.stringify({ schema: isNew ? 2 : 1, columns: ordered }));
}

/** Returns the reference of the columns artifact that a batch is cut and encoded with. */
export function columnsRef(ledger: Ledger, batch: number): Ref {
  return selectColumns(ledger.added_columns, batch).length === 0
    ? rawOf(ledger, batch).columns
    : refOf(COLUMNS, encodeColumns(columnsAt(ledger, batch)));
}

/**
 * Returns the columns artifact that a batch's part is encoded with, in a version whose columns are `ref`.
 * Columns that later files added are not in it, and those that they decided are open.
 * @returns also the bytes, if the artifact is not the version's own
 */
export function partColumns(
  ref: Ref,
  columns: readonly Column[],
  batch: number,
): { ref: Ref; bytes?: Uint8Array } {
  if (columns.every(({ since = 1 }) => since <= batch)) return { ref };
  const bytes = encodeColumns(selectColumns(columns, batch));
  return { ref: refOf(ref.path, bytes), bytes };
}

/** Returns the columns of the raw data with their types, found by get_data or declared in the params. */
export async function readColumns(
  { store }: { store: Pick<Store, 'artifacts'> },
  ref: Ref,
): Promise<Column[]> {
  const bytes = await store.artifacts.get(ref);
  return parseStored(bytes, ref, columnsSchema).columns;
}
