import { BadData } from '../../contract/failures.ts';
import { BatchSpill } from './batch-spill.ts';
import { CellRule, type CellSettings } from '../csv/cells.ts';
import { quote } from '../csv/quote.ts';
import { checkBatch, findPlaces } from './order.ts';
import { type Column, predictsNumbers } from './columns.ts';
import { readCell, type CsvReader, type RowBlock } from '../csv/reader.ts';
import { FileWriter, type Files } from './files.ts';
import { makeNumberCheck } from './check-numbers.ts';
import { type ColumnPlan, RowWriter } from '../csv/write.ts';

export interface CutOptions {
  readonly cells: CellSettings;
  readonly columns: readonly Column[];
  readonly target: string;
  readonly batchSize: number;
  readonly shuffleSeed: number | null;
  /** Rows of the source. */
  readonly rows: number;
  /** Numbers of the batches to cut, from 1, without repeats. */
  readonly batches: readonly number[];
  /** The number of batches before the first row; 0 by default. */
  readonly after?: number;
  readonly delimiter?: string;
  /** Where the file of a batch is written. */
  readonly pathOf: (batch: number) => string;
}

/** The file of a batch, and warnings about it. */
export interface CutFile {
  readonly path: string;
  readonly rows: number;
  readonly warnings: string[];
}

/**
 * Cuts batches out of raw data in one pass. Each batch is a file of canonical CSV. Batch `after + b` holds the rows
 * at places (b - 1) · size to b · size - 1. Memory is what {@link BatchSpill} holds, and 4 bytes a row if the rows
 * are shuffled.
 * @throws BadData when the file cannot be read, the number of its rows is not the expected one, or a row of these
 *   batches holds text in a number column
 * @throws MissingHistory when the source has no such batch
 */
export function cut(reader: CsvReader, options: CutOptions, files: Files): CutFile[] {
  const { batches, batchSize, rows, pathOf, after = 0 } = options;
  for (const batch of batches) checkBatch(batch - after, rows, batchSize);
  const places = findPlaces(rows, options.shuffleSeed);
  const wanted = new Set(batches);
  const spill = new BatchSpill(files, (batch) => `${pathOf(batch)}.rows`);
  const plan: ColumnPlan = {
    header: reader.header,
    from: reader.header.map((_, index) => index),
    fill: '',
    warnings: [],
  };
  const writer = new RowWriter(plan, reader.width, options.delimiter);
  const check = makeNumberCheck(reader, options.columns, options.cells);
  const open = new OpenColumns(reader, options);
  const classes = new BatchClasses(reader.header.indexOf(options.target));
  const hasClasses = !predictsNumbers(options.columns, options.target);
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      const index = block.firstRow - 1 + row;
      const place = places === null ? index : places[index]!;
      const batch = after + Math.floor(place / batchSize) + 1;
      if (!wanted.has(batch)) continue;
      check(block, row);
      open.add(batch, block, row);
      if (writer.isCanonical(block, row)) {
        const { bounds, bytes } = block;
        spill.add(batch, place % batchSize, bytes, bounds[2 * row]!, bounds[2 * row + 1]!);
      } else {
        writer.clear();
        writer.writeFormatted(block, row);
        spill.add(batch, place % batchSize, writer.bytes, 0, writer.length - 1);
      }
      if (hasClasses && classes.isOpen(batch)) {
        classes.add(batch, readCell(block, row * reader.width + classes.index));
      }
    }
  }
  if (reader.rows !== rows) {
    throw new BadData(
      `${reader.file} has ${reader.rows} rows where ${rows} were counted before: run get_data again`,
    );
  }
  writer.clear();
  writer.writeHeader();
  const header = writer.bytes.subarray(0, writer.length);
  return batches.map((batch) => {
    const file = new FileWriter(pathOf(batch), files);
    file.add(header);
    for (const piece of spill.take(batch)) file.add(piece);
    file.end();
    return {
      path: pathOf(batch),
      rows: spill.countRows(batch),
      warnings: [...classes.warnings(batch), ...open.warnings(batch)],
    };
  });
}

/** Finds batches that hold one class only. The stage that cuts them warns, because it chose the order of the rows. */
class BatchClasses {
  readonly index: number;
  readonly #only = new Map<number, string | null>();

  constructor(index: number) {
    this.index = index;
  }

  /** Whether another row can still change the result. */
  isOpen(batch: number): boolean {
    return this.#only.get(batch) !== null;
  }

  add(batch: number, label: string): void {
    const only = this.#only.get(batch);
    if (only === undefined) this.#only.set(batch, label);
    else if (only !== label) this.#only.set(batch, null);
  }

  warnings(batch: number): string[] {
    const only = this.#only.get(batch);
    if (only === undefined || only === null) return [];
    return [
      `batch ${batch} holds a single class (${only}): if the source is sorted by class, set data.shuffle_seed in a new pipeline`,
    ];
  }
}

/**
 * Finds values in columns that were empty when the table was first read. The columns of a table are frozen for all its
 * batches, so these values are left out.
 */
class OpenColumns {
  readonly #columns: { readonly name: string; readonly index: number }[];
  readonly #rule: CellRule;
  readonly #width: number;
  readonly #found = new Map<number, Set<string>>();

  constructor({ header, width }: CsvReader, { columns, cells }: CutOptions) {
    this.#rule = new CellRule(cells);
    this.#width = width;
    this.#columns = columns.flatMap(({ name, open }) => {
      const index = header.indexOf(name);
      return open === true && index >= 0 ? [{ name, index }] : [];
    });
  }

  add(batch: number, block: RowBlock, row: number): void {
    for (const { name, index } of this.#columns) {
      const found = this.#found.get(batch) ?? new Set();
      if (found.has(name) || this.#rule.isMissing(readCell(block, row * this.#width + index)))
        continue;
      this.#found.set(batch, found.add(name));
    }
  }

  warnings(batch: number): string[] {
    return [...(this.#found.get(batch) ?? [])].map(
      (name) =>
        `batch ${batch} has values in column ${quote(name)}, which was empty when the pipeline began, so it is left out: start a new pipeline to use it`,
    );
  }
}
