import { BadData, BadParams } from '../../contract/failures.ts';
import { BlockColumn } from '../csv/block-column.ts';
import { CellReader } from '../csv/cell-reader.ts';
import { ColumnBuilder } from './column-builder.ts';
import { type Column, featuresOf, predictsNumbers } from '../batches/columns.ts';
import { type Counts, countParts } from './counts.ts';
import type { CsvReader, RowBlock } from '../csv/reader.ts';
import type { Part } from './part.ts';
import { RowHash } from '../batches/row-hash.ts';
import { notANumber } from '../csv/rows.ts';
import { list, quote } from '../csv/table.ts';

/** How to read a batch; `key` names columns whose equal rows stay on one side, null means all features of the first batch. */
export interface EncodeOptions {
  readonly target: string;
  readonly missingValues: readonly string[];
  readonly testSize: number;
  readonly key: readonly string[] | null;
}

/** A batch made ready for training and scoring; nothing in it depends on any other batch. */
export interface EncodedBatch {
  readonly train: Part;
  readonly test: Part;
  readonly counts: Counts;
}

/**
 * Reads a batch by its frozen columns and splits it. Rows without a label are left out and counted.
 * Rows keep the batch's order on each side. A feature that the batch lacks is missing in every row.
 * @throws BadData when the batch cannot be read or a number cell holds text
 * @throws BadParams when a key column does not exist or is the target
 */
export function encodeBatch(
  reader: CsvReader,
  columns: readonly Column[],
  options: EncodeOptions,
): EncodedBatch {
  const { target, testSize } = options;
  const blockColumn = ({ name, type }: Column): BlockColumn =>
    new BlockColumn(name, type === 'number', reader.header.indexOf(name));
  const featureColumns = featuresOf(columns, target);
  const features = featureColumns.map(blockColumn);
  // What came later says nothing of a row's side, or rows that were there before could change theirs.
  const key =
    options.key === null
      ? features.filter((_, i) => featureColumns[i]!.since === undefined)
      : keyColumns(columns, options.key, reader.file, target).map(blockColumn);
  const label = blockColumn({
    name: target,
    type: predictsNumbers(columns, target) ? 'number' : 'category',
  });
  if (label.index < 0) {
    throw new BadData(
      `${reader.file} lacks column ${quote(target)}, the one to predict: put the file back as it was`,
    );
  }
  const read = [...new Set([...features, ...key, label])];
  const train = new PartBuilder(features, label);
  const test = new PartBuilder(features, label);
  const cells = new CellReader(options.missingValues);
  const hash = new RowHash();
  for (const block of reader.blocks()) {
    readColumns(read, block, cells, reader);
    train.begin(block.rows);
    test.begin(block.rows);
    for (let row = 0; row < block.rows; row++) {
      if (label.isMissing(row)) continue;
      hash.begin();
      for (let i = 0; i < key.length; i++) key[i]!.tell(hash, block, row);
      (hash.point() < testSize ? test : train).add(row);
    }
    train.take();
    test.take();
  }
  const parts = { train: train.part(), test: test.part() };
  const unlabelled = reader.rows - parts.train.rows - parts.test.rows;
  return { ...parts, counts: countParts(parts.train, parts.test, unlabelled) };
}

/** @throws BadData at the first cell in the file's order that should be a number and is none */
function readColumns(
  columns: readonly BlockColumn[],
  block: RowBlock,
  cells: CellReader,
  reader: CsvReader,
): void {
  let rows = block.rows;
  let wrong: BlockColumn | undefined;
  for (const column of columns) {
    const good = column.read(block, rows, reader, cells);
    if (good < rows) [rows, wrong] = [good, column];
  }
  if (wrong !== undefined) throw notANumber(block, rows, wrong.index, reader);
}

/** The key's columns as the split reads them: an ignored one, such as a customer id, as words. */
function keyColumns(
  columns: readonly Column[],
  key: readonly string[],
  file: string,
  target: string,
): Column[] {
  return key.map((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (!column) {
      throw new BadParams(
        `split.key names column ${quote(name)}, which ${file} does not have, only ` +
          `${list(columns.map((candidate) => candidate.name))}: mend the name`,
      );
    }
    if (name === target) {
      throw new BadParams(
        `split.key names ${quote(name)}, the column to predict, which would put whole classes ` +
          'on one side: choose columns that tell who or what a row is about',
      );
    }
    return column.type === 'ignore' ? { name, type: 'category' } : column;
  });
}

/** Gathers one side of a batch. */
class PartBuilder {
  readonly #columns: readonly ColumnBuilder[];
  readonly #label: ColumnBuilder;
  /** The rows of the block at hand that are of this side. */
  #rows = new Int32Array(0);
  #count = 0;

  constructor(features: readonly BlockColumn[], label: BlockColumn) {
    this.#columns = features.map((column) => new ColumnBuilder(column));
    this.#label = new ColumnBuilder(label);
  }

  /** Begins with a block of so many rows. */
  begin(rows: number): void {
    if (rows > this.#rows.length) this.#rows = new Int32Array(rows);
    this.#count = 0;
  }

  add(row: number): void {
    this.#rows[this.#count++] = row;
  }

  /** Takes the rows added. */
  take(): void {
    for (const column of this.#columns) column.take(this.#rows, this.#count);
    this.#label.take(this.#rows, this.#count);
  }

  part(): Part {
    const label = this.#label.column();
    const columns = this.#columns.map((column) => column.column());
    return { rows: this.#label.rows, columns, label };
  }
}
