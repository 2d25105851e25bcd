import type { Column } from './columns.ts';
import { type ColumnContract, conform } from './conform.ts';
import { formatCsv, parseCsv } from './csv.ts';
import { checkRows } from './rows.ts';

/**
 * Makes a batch of a whole file that arrived later: its columns as the contract lets them be, as
 * canonical CSV.
 * @param input.columns the frozen ones; `rows` of the answer counts the file's
 * @throws BadData when the file cannot be read, its columns are refused, or a number cell holds text
 */
export function conformBatch(input: {
  bytes: Uint8Array;
  file: string;
  columns: Column[];
  target: string;
  key: string[] | null;
  missingValues: string[];
  contract: ColumnContract;
  delimiter: string;
}): { bytes: Uint8Array; rows: number; warnings: string[] } {
  const table = parseCsv(input.bytes, input.file, input.delimiter);
  const plan = conform(table.header, input.columns, input);
  const known = input.columns.filter(({ name }) => table.header.includes(name));
  checkRows(table, known, input);
  const rows = table.rows.map((cells) =>
    plan.from.map((index) => (index === null ? plan.fill : cells[index]!)),
  );
  const bytes = formatCsv({ header: plan.header, rows });
  return { bytes, rows: rows.length, warnings: [...plan.warnings] };
}
