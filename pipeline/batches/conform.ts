import { BadData, BadParams } from '../../contract/failures.ts';
import type { CellSettings } from '../csv/cells.ts';
import { quoteList, quote } from '../csv/quote.ts';
import { CsvReader } from '../csv/reader.ts';
import { type ColumnPlan, RowWriter } from '../csv/write.ts';
import { makeNumberCheck } from './check-numbers.ts';
import type { Column } from './columns.ts';
import { inferFeatures } from './infer.ts';

/** What a run does when the data changes: it fails, ignores the change, or adapts to it. */
export type OnChange = 'fail' | 'ignore' | 'adapt';

/** How later data may differ from the frozen columns: `data.on_new_column` and `data.on_missing_column`. */
export interface ColumnContract {
  readonly newColumn: OnChange;
  readonly missingColumn: OnChange;
}

/** The default: no change is allowed. */
export const STRICT: ColumnContract = { newColumn: 'fail', missingColumn: 'fail' };

export interface ConformOptions {
  readonly file: string;
  readonly target: string;
  /** Columns of `split.key`; null means all features. If one were missing, rows could change sides. */
  readonly key: readonly string[] | null;
  readonly cells: CellSettings;
  readonly contract: ColumnContract;
  /** Whether all batches are cut from one table with this header. No param allows such a header to change. */
  readonly isTable?: boolean;
}

/**
 * Compares the header of data that arrived later with the frozen columns.
 *
 * A new column is refused, left out, or kept as a feature whose cells are missing in earlier batches. A column that
 * the file lacks is refused, left out of this batch, or written with every cell missing. Training treats the last
 * two in the same way. The order of the other columns may differ only if a change is allowed.
 * @throws BadData when the contract forbids a missing, new or moved column, or when the target or a column of the
 *   key is missing; the error names the columns
 * @throws BadParams when cells must be written as missing and `data.missing_values` has no word
 */
export function conform(
  header: readonly string[],
  columns: readonly Column[],
  options: ConformOptions,
): ColumnPlan {
  const { file, contract } = options;
  const { missing } = options.cells;
  const names = columns.map(({ name }) => name);
  const gone = names.filter((name) => !header.includes(name));
  const added = header.filter((name) => !names.includes(name));
  checkChanges(header, names, { gone, added }, options);
  const kept = contract.missingColumn === 'adapt' ? names : names.filter((n) => !gone.includes(n));
  const wanted = contract.newColumn === 'adapt' ? [...kept, ...added] : kept;
  const fill = missing.includes('') ? '' : missing[0];
  if (fill === undefined && wanted.some((name) => gone.includes(name))) {
    throw new BadParams(
      `${file} lacks column ${quoteList(gone)}, and data.missing_values has no word to write in its place: add ""`,
    );
  }
  return {
    header: wanted,
    from: wanted.map((name) => (gone.includes(name) ? null : header.indexOf(name))),
    fill: fill ?? '',
    warnings: describeChanges(gone, added, options),
  };
}

const REPAIR = 'correct the header, or start a new pipeline for data of another shape';

/** Throws when the contract forbids the columns that a file adds, lacks or moves. */
function checkChanges(
  header: readonly string[],
  names: readonly string[],
  { gone, added }: { gone: readonly string[]; added: readonly string[] },
  { file, target, key, contract, isTable }: ConformOptions,
): void {
  const needed = gone.filter((name) => name === target || key?.includes(name) === true);
  if (needed.length > 0 && contract.missingColumn !== 'fail') {
    throw new BadData(
      `${file} lacks column ${quoteList(needed)}, which every batch needs as ` +
        `${needed[0] === target ? 'the target' : 'part of split.key'}: add it to the file`,
    );
  }
  const orSet = (param: string): string =>
    isTable === true ? '' : `, or set ${param} to ignore or adapt`;
  const refusesGone = gone.length > 0 && contract.missingColumn === 'fail';
  const refusesAdded = added.length > 0 && contract.newColumn === 'fail';
  if (refusesGone) {
    throw new BadData(
      `${file} lacks column ${quoteList(gone)}, which earlier batches have` +
        `${refusesAdded ? `, and adds ${quoteList(added)}` : ''}: ${REPAIR}${orSet('data.on_missing_column')}`,
    );
  }
  if (refusesAdded) {
    throw new BadData(
      `${file} adds column ${quoteList(added)}, which earlier batches lack: ${REPAIR}${orSet('data.on_new_column')}`,
    );
  }
  const moved = names.findIndex((name, i) => header[i] !== name);
  if (moved >= 0 && contract.newColumn === 'fail' && contract.missingColumn === 'fail') {
    throw new BadData(
      `${file} has column ${quote(header[moved]!)} where earlier batches have ${quote(names[moved]!)}: ` +
        `put the columns in the order ${quoteList(names)}`,
    );
  }
}

/** Says that a file adds columns, and that the pipeline uses them from now on. */
export function describeNewColumns(file: string, names: readonly string[]): string {
  return `${file} adds column ${quoteList(names)}: a feature from this batch on, and missing in earlier ones`;
}

/** Returns the warnings about columns that a file adds or lacks. */
function describeChanges(
  gone: readonly string[],
  added: readonly string[],
  { file, contract }: ConformOptions,
): string[] {
  const warnings: string[] = [];
  if (gone.length > 0) {
    warnings.push(`${file} lacks column ${quoteList(gone)}: it is missing in these rows`);
  }
  if (added.length > 0) {
    warnings.push(
      contract.newColumn === 'adapt'
        ? describeNewColumns(file, added)
        : `${file} adds column ${quoteList(added)}, which is left out`,
    );
  }
  return warnings;
}

/**
 * Checks that a header holds the frozen columns' names, in their order.
 * @throws BadData naming the columns that are missing, new or moved
 */
export function checkHeader(
  header: readonly string[],
  columns: readonly Column[],
  file: string,
): void {
  const contract = { contract: STRICT, isTable: true };
  conform(header, columns, { file, target: '', key: null, cells: { missing: [''] }, ...contract });
}

/**
 * Makes a batch from a whole file that arrived later: canonical CSV with the columns that the contract allows.
 * @param input.columns the frozen columns
 * @returns `rows` is the number of rows of the file; `added` are the columns it adds, if the contract allows them
 * @throws BadData when the file cannot be read, its columns are refused, or a number cell holds text
 */
export function conformBatch(input: {
  bytes: Uint8Array;
  file: string;
  columns: Column[];
  target: string;
  key: string[] | null;
  cells: CellSettings;
  contract: ColumnContract;
  delimiter: string;
}): { bytes: Uint8Array; rows: number; added: Column[]; warnings: string[] } {
  const open = (): CsvReader =>
    new CsvReader([input.bytes], input.file, { delimiter: input.delimiter });
  const reader = open();
  const plan = conform(reader.header, input.columns, input);
  const check = makeNumberCheck(reader, input.columns, input.cells);
  const writer = new RowWriter(plan, reader.width, input.delimiter);
  writer.writeHeader();
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      check(block, row);
      writer.writeRow(block, row);
    }
  }
  const bytes = writer.bytes.subarray(0, writer.length);
  const known = new Set(input.columns.map(({ name }) => name));
  const names = plan.header.filter((name) => !known.has(name));
  const added = names.length > 0 && inferFeatures(open(), names, input.cells);
  return {
    bytes,
    rows: reader.rows,
    added: added ? added.columns : [],
    warnings: [...plan.warnings, ...(added ? added.warnings : [])],
  };
}
