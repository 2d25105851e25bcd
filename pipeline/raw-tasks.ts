import type { ColumnTable } from 'arquero';
import { cutBatch, toColumns, toRows } from './batch.ts';
import type { Column, ColumnType } from './columns.ts';
import { checkDelimiter } from './delimiter.ts';
import { formatCsv, parseCsv } from './csv.ts';
import { inferColumns } from './infer.ts';
import { checkHeader, checkRows } from './rows.ts';
import { permutation } from './shuffle.ts';

/**
 * Reads raw data through and says what its columns are.
 * @throws BadData when it cannot be read or used
 */
export function inspectRaw(input: {
  bytes: Uint8Array;
  file: string;
  target: string;
  declared: Record<string, ColumnType>;
  missingValues: string[];
  delimiter: string;
}): { columns: Column[]; rows: number; warnings: string[] } {
  checkDelimiter(input.bytes, input.file, input.delimiter);
  const table = parseCsv(input.bytes, input.file, input.delimiter);
  return { ...inferColumns(table, input), rows: table.rows.length };
}

/**
 * Cuts batches out of raw data, each as canonical CSV.
 * @throws MissingHistory when the source has no such batch
 */
export function cutBatches(input: {
  bytes: Uint8Array;
  file: string;
  columns: Column[];
  target: string;
  missingValues: string[];
  batchSize: number;
  shuffleSeed: number | null;
  batches: number[];
  delimiter: string;
}): { bytes: Uint8Array; rows: number; warnings: string[] }[] {
  const { file, columns, batchSize } = input;
  const table = parseCsv(input.bytes, file, input.delimiter);
  checkHeader(table.header, columns, file);
  checkRows(table, columns, { file, missingValues: input.missingValues });
  const order = permutation(table.rows.length, input.shuffleSeed);
  const whole = toColumns(table);
  return input.batches.map((batch) => {
    const cut = cutBatch(whole, order, batch, batchSize);
    return {
      bytes: formatCsv(toRows(cut)),
      rows: cut.numRows(),
      warnings: classWarnings(cut, batch, input),
    };
  });
}

/** Where two tables first differ, for a sentence: the row and what stands there. */
export function firstDifference(input: {
  before: Uint8Array;
  after: Uint8Array;
  file: string;
  delimiter: string;
}): string {
  const before = parseCsv(input.before, input.file, input.delimiter);
  const after = parseCsv(input.after, input.file, input.delimiter);
  if (before.header.join() !== after.header.join())
    return `its columns were ${before.header.join(', ')} and are ${after.header.join(', ')}`;
  const rows = Math.max(before.rows.length, after.rows.length);
  for (let row = 0; row < rows; row++) {
    const was = before.rows[row]?.join(',');
    const is = after.rows[row]?.join(',');
    if (was === is) continue;
    if (was === undefined) return `it had ${before.rows.length} rows and has ${after.rows.length}`;
    if (is === undefined) return `row ${row + 1}, "${shorten(was)}", is gone`;
    return `row ${row + 1} was "${shorten(was)}" and is "${shorten(is)}"`;
  }
  return 'its rows are the same, but written differently';
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Said where the batch is cut, because that is where the order of the rows was chosen. */
function classWarnings(cut: ColumnTable, batch: number, { target }: { target: string }): string[] {
  const classes = cut.groupby(target).count();
  if (classes.numRows() !== 1) return [];
  const [only] = classes.array(target) as string[];
  return [
    `batch ${batch} holds a single class (${only}): if the source is sorted by class, set data.shuffle_seed in a new pipeline`,
  ];
}
