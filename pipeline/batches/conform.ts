import { BadData, BadParams } from '../../contract/failures.ts';
import { quoteList, quote } from '../csv/quote.ts';
import { CsvReader } from '../csv/reader.ts';
import { checkDelimiter } from '../csv/refuse.ts';
import { type ColumnPlan, RowWriter } from '../csv/write.ts';
import { makeNumberCheck } from './check-numbers.ts';
import type { CellSettings } from '../csv/cells.ts';
import { indexNames, type Column } from './columns.ts';
import { inferFeatures } from './infer.ts';
import { CategoryWords } from './missing-words.ts';

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
  readonly cells: CellSettings;
  readonly file: string;
  readonly target: string;
  /** Columns of `split.key`, or that of `split.time_column`; null means all features. No batch can be without them. */
  readonly key: readonly string[] | null;
  readonly contract: ColumnContract;
  /** How the columns of the file are matched with the known ones: by name unless it says position. */
  readonly columnsBy?: 'name' | 'position' | undefined;
  /** Whether all batches are cut from one table with this header. No param allows such a header to change. */
  readonly isTable?: boolean;
}

/**
 * Compares the header of data that arrived later with the frozen columns. Columns in another order are matched by
 * their names.
 *
 * A new column is refused, left out, or kept as a feature whose cells are missing in earlier batches. A column that
 * the file lacks is refused, left out of this batch, or written with every cell missing. Training treats the last two
 * in the same way. A file may lack a column that a later file added, or that is open.
 * @throws BadData when the contract forbids a missing or new column, when the target or a column of the key is
 *   missing, or when columns are matched by position and the file has another number of them
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
  if (options.columnsBy === 'position') return matchByPosition(header, names, file);
  const [places, known] = [indexNames(header), new Set(names)];
  const isGone = (name: string): boolean => !places.has(name);
  const gone = names.filter(isGone);
  const added = header.filter((name) => !known.has(name));
  checkChanges(columns, { gone, added }, options);
  const kept = contract.missingColumn === 'adapt' ? names : names.filter((name) => !isGone(name));
  const wanted = contract.newColumn === 'adapt' ? [...kept, ...added] : kept;
  const fill = missing.includes('') ? '' : missing[0];
  if (fill === undefined && wanted.some(isGone)) {
    throw new BadParams(
      `${file} lacks column ${quoteList(gone)}, and data.missing_values has no word to write in its place: add ""`,
    );
  }
  const open = new Set(columns.flatMap((column) => (isUndecided(column) ? [column.name] : [])));
  return {
    header: wanted,
    from: wanted.map((name) => places.get(name) ?? null),
    fill: fill ?? '',
    warnings: describeChanges(
      gone.filter((name) => !open.has(name)),
      added,
      options,
    ),
  };
}

/** Whether no batch has a value in the column yet. */
function isUndecided({ open, type }: Column): boolean {
  return open === true && type === 'ignore';
}

/** Matches the columns of a file with the known ones by their order. Their names do not matter. */
function matchByPosition(
  header: readonly string[],
  names: readonly string[],
  file: string,
): ColumnPlan {
  if (header.length !== names.length)
    throw new BadData(
      `${file} has ${header.length} columns where earlier batches have ${names.length}, and data.columns_by=position ` +
        'matches them by their order: correct the file, or set data.columns_by to name',
    );
  const other = names.findIndex((name, i) => header[i] !== name);
  const warnings =
    other < 0
      ? []
      : [
          `column ${other + 1} of ${file} is ${quote(header[other]!)}, and in earlier batches it is ${quote(names[other]!)}: ` +
            'data.columns_by=position reads it under the earlier name',
        ];
  return { header: names, from: names.map((_, i) => i), fill: '', warnings };
}

const REPAIR = 'correct the header, or start a new pipeline for data of another shape';

function nameColumns(names: readonly string[]): string {
  return `${names.length === 1 ? 'column' : 'columns'} ${quoteList(names)}`;
}

/** Throws when the contract forbids the columns that a file adds or lacks. */
function checkChanges(
  columns: readonly Column[],
  { gone, added }: { gone: readonly string[]; added: readonly string[] },
  { file, target, key, contract, isTable }: ConformOptions,
): void {
  const needed = gone.filter((name) => name === target || key?.includes(name) === true);
  if (needed.length > 0 && contract.missingColumn !== 'fail') {
    throw new BadData(
      `${file} lacks ${nameColumns(needed)}, which every batch needs as ` +
        `${needed[0] === target ? 'the target' : 'part of split.key or split.time_column'}: add it to the file`,
    );
  }
  const orSet = (...params: string[]): string =>
    isTable === true || needed.length > 0
      ? '' // no param lets a batch be without its target
      : `, or set ${params.join(' and ')} to ignore or adapt`;
  // The next file may lack a column that a later file added.
  const first = columns.filter((column) => column.since === undefined && !isUndecided(column));
  const isGone = new Set(gone);
  const lost = first.map(({ name }) => name).filter((name) => isGone.has(name));
  const refusesGone = lost.length > 0 && contract.missingColumn === 'fail';
  const refusesAdded = added.length > 0 && contract.newColumn === 'fail';
  if (refusesGone) {
    throw new BadData(
      `${file} lacks ${nameColumns(lost)}, which earlier batches have` +
        `${refusesAdded ? `, and adds ${nameColumns(added)}` : ''}: ${REPAIR}` +
        orSet('data.on_missing_column', ...(refusesAdded ? ['data.on_new_column'] : [])),
    );
  }
  if (refusesAdded) {
    throw new BadData(
      `${file} adds ${nameColumns(added)}, which earlier batches lack: ${REPAIR}${orSet('data.on_new_column')}`,
    );
  }
}

/** Describes open columns whose type this file decides. */
export function describeDecided(file: string, columns: readonly Column[]): string[] {
  return columns.map(
    ({ name, type }) =>
      `${file} has the first values of column ${quote(name)}: its type is ${type}, and it is a feature from this batch on and missing in earlier ones`,
  );
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
 * Checks that a header holds the frozen columns' names, in any order.
 * @throws BadData naming the columns that are missing or new
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
 * @param input.columns the columns known before this file
 * @param input.addsColumns whether the file may add columns and decide open ones; true by default
 * @returns `rows` is the number of rows of the file; `added` are the columns that it adds, if the contract allows them,
 *   and the open columns that it decides
 * @throws BadData when the file cannot be read, its columns are refused, or a cell is not of its column's type
 */
export function conformBatch(
  input: Omit<ConformOptions, 'isTable'> & {
    bytes: Uint8Array;
    columns: Column[];
    delimiter: string;
    addsColumns?: boolean;
  },
): { bytes: Uint8Array; rows: number; added: Column[]; warnings: string[] } {
  const open = (): CsvReader =>
    new CsvReader([input.bytes], input.file, { delimiter: input.delimiter });
  checkDelimiter(input.bytes, input.file, input.delimiter, { isFrozen: true });
  const reader = open();
  const plan = conform(reader.header, input.columns, input);
  const { file, width } = reader;
  // Matched by position, the names of the file do not count.
  const header = input.columnsBy === 'position' ? plan.header : reader.header;
  const check = makeNumberCheck({ file, width, header }, input.columns, input.cells);
  const words = new CategoryWords(input.columns, header, input.cells);
  const writer = new RowWriter(plan, width, input.delimiter);
  writer.writeHeader();
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      check(block, row);
      words.count(block, row);
      writer.writeRow(block, row);
    }
  }
  const bytes = writer.bytes.subarray(0, writer.length);
  const found =
    input.addsColumns === false
      ? { columns: [], warnings: [] }
      : findNewColumns(open, plan, header, input);
  return {
    bytes,
    rows: reader.rows,
    added: found.columns,
    warnings: [...plan.warnings, ...found.warnings, ...words.describe(file)],
  };
}

/** Finds the types of the columns that a file adds, and of the open columns in which it has a value. */
function findNewColumns(
  open: () => CsvReader,
  plan: ColumnPlan,
  header: readonly string[],
  input: Pick<ConformOptions, 'file' | 'cells'> & { columns: Column[] },
): { columns: Column[]; warnings: string[] } {
  const known = new Map(input.columns.map((column) => [column.name, column]));
  const undecided = header.filter((name) => known.has(name) && isUndecided(known.get(name)!));
  const fresh = plan.header.filter((name) => !known.has(name));
  const names = [...undecided, ...fresh];
  if (names.length === 0) return { columns: [], warnings: [] };
  const { columns, warnings } = inferFeatures(
    { reader: open(), header, open: undecided },
    names,
    input.cells,
  );
  // A column without a value stays open: a later file decides its type.
  const typed = columns.filter(({ type }) => type !== 'ignore');
  const decided = typed.filter(({ name }) => known.has(name));
  return { columns: typed, warnings: [...describeDecided(input.file, decided), ...warnings] };
}
