import type { Column } from './columns.ts';
import { type ColumnContract, conform } from './conform.ts';
import { CsvReader } from './csv-reader.ts';
import { numberCheck } from './number-check.ts';
import { RowWriter } from './row-writer.ts';

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
  const reader = new CsvReader([input.bytes], input.file, { delimiter: input.delimiter });
  const plan = conform(reader.header, input.columns, input);
  const check = numberCheck(reader, input.columns, input.missingValues);
  const writer = new RowWriter(plan, reader.width, input.delimiter);
  writer.header();
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      check(block, row);
      writer.row(block, row);
    }
  }
  const bytes = writer.bytes.subarray(0, writer.length);
  return { bytes, rows: reader.rows, warnings: [...plan.warnings] };
}
