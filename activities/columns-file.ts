import { z } from 'zod';
import type { Column } from '../pipeline/columns.ts';
import type { Ref } from '../store/ref.ts';
import type { Deps } from './deps.ts';

const columnsSchema = z.object({
  schema: z.literal(1),
  columns: z.array(z.object({ name: z.string(), type: z.enum(['number', 'category', 'ignore']) })),
});

/** The bytes of the columns artifact that get_data makes. */
export function encodeColumns(columns: readonly Column[]): Uint8Array {
  return Buffer.from(JSON.stringify({ schema: 1, columns }));
}

/** The columns of the raw data with their types, as get_data found or was told them. */
export async function readColumns(deps: Deps, ref: Ref): Promise<Column[]> {
  const bytes = await deps.store.artifacts.get(ref);
  return columnsSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).columns;
}
