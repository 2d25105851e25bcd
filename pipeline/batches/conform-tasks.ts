import type { Column } from './columns.ts';
import { type ColumnContract, conform } from './conform.ts';
import { CsvReader } from '../csv/reader.ts';
import { inferFeatures } from './infer.ts';
import { numberCheck } from '../csv/number-check.ts';
import { RowWriter } from '../csv/row-writer.ts';

/**
 * Makes a batch of a whole file that arrived later: its columns as the contract lets them be, as
 * canonical CSV.
 * @param input.columns the known ones
 * @returns `rows` counts the file's; `added` are the columns it adds, where the contract takes them in
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
}): { bytes: Uint8Array; rows: number; added: Column[]; warnings: string[] } {
  const open = (): CsvReader =>
    new CsvReader([input.bytes], input.file, { delimiter: input.delimiter });
  const reader = open();
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
  const known = new Set(input.columns.map(({ name }) => name));
  const names = plan.header.filter((name) => !known.has(name));
  const added = names.length > 0 && inferFeatures(open(), names, input.missingValues);
  return {
    bytes,
    rows: reader.rows,
    added: added ? added.columns : [],
    warnings: [...plan.warnings, ...(added ? added.warnings : [])],
  };
}
