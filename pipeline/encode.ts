import type { Buffer } from 'node:buffer';
import { BadData, BadParams } from '../errors.ts';
import { CellReader } from './cell-reader.ts';
import { numberOf } from './cells.ts';
import { NumberBuilder, WordBuilder } from './column-builder.ts';
import { type Column, featuresOf } from './columns.ts';
import { type Counts, countParts } from './counts.ts';
import type { CsvReader, RowBlock } from './csv-reader.ts';
import type { Part } from './part.ts';
import { RowHash } from './row-hash.ts';
import { notANumber } from './rows.ts';
import { list, quote } from './table.ts';
import { WordTable } from './word-table.ts';

/** How to read a batch; `key` names columns whose equal rows stay on one side, null means all features. */
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

/** A column on its way: where it stands in the batch, and the cell of the row at hand. */
interface Reading {
  readonly name: string;
  readonly number: boolean;
  /** Index in the batch; -1 where the batch lacks it and every cell is missing. */
  readonly index: number;
  readonly words: WordTable;
  /** The cell's bytes; -1 where it is missing. */
  start: number;
  end: number;
  value: number;
  canonical: boolean;
  code: number;
}

/** A column's cells on either side, train first. */
interface Sides {
  readonly reading: Reading;
  readonly numbers: readonly [NumberBuilder, NumberBuilder];
  readonly words: readonly [WordBuilder, WordBuilder];
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
  const features = featuresOf(columns, target).map((column) => readingOf(reader, column));
  const key =
    options.key === null
      ? features
      : keyColumns(columns, options.key, reader.file, target).map((column) =>
          readingOf(reader, column),
        );
  const label = readingOf(reader, { name: target, type: 'category' });
  if (label.index < 0) {
    throw new BadData(
      `${reader.file} lacks column ${quote(target)}, the one to predict: put the file back as it was`,
    );
  }
  const readings = [...new Set([...features, ...key, label])];
  const sides = features.map(sidesOf);
  const labels = sidesOf(label);

  const cells = new CellReader(options.missingValues);
  const hash = new RowHash();
  const rows: [train: number, test: number] = [0, 0];
  for (const block of reader.blocks()) {
    for (let row = 0; row < block.rows; row++) {
      for (const reading of readings) readCell(reading, block, row, cells, reader);
      if (label.code < 0) continue;
      const side = pointOf(key, block.bytes, hash) < testSize ? 1 : 0;
      rows[side]++;
      for (const { reading, numbers, words } of sides) {
        if (reading.number) numbers[side].push(reading.value);
        else words[side].push(reading.code);
      }
      labels.words[side].push(label.code);
    }
  }
  const [train, test] = ([0, 1] as const).map((side) => partOf(sides, labels, side, rows[side]));
  const unlabelled = reader.rows - rows[0] - rows[1];
  return { train: train!, test: test!, counts: countParts(train!, test!, unlabelled) };
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

function readingOf({ header }: CsvReader, { name, type }: Column): Reading {
  return {
    name,
    number: type === 'number',
    index: header.indexOf(name),
    words: new WordTable(),
    start: -1,
    end: -1,
    value: Number.NaN,
    canonical: false,
    code: -1,
  };
}

function sidesOf(reading: Reading): Sides {
  return {
    reading,
    numbers: [new NumberBuilder(), new NumberBuilder()],
    words: [new WordBuilder(), new WordBuilder()],
  };
}

function readCell(
  reading: Reading,
  block: RowBlock,
  row: number,
  cells: CellReader,
  reader: CsvReader,
): void {
  const { index } = reading;
  if (index < 0) return;
  const { bytes } = block;
  const cell = 2 * (row * reader.width + index);
  if (cells.isMissing(bytes, block.cells[cell]!, block.cells[cell + 1]!)) {
    reading.start = -1;
    reading.value = Number.NaN;
    reading.code = -1;
    return;
  }
  reading.start = cells.start;
  reading.end = cells.end;
  if (!reading.number) {
    reading.code = reading.words.codeOf(bytes, cells.start, cells.end);
  } else if (cells.isPlainNumber(bytes)) {
    reading.value = cells.value;
    reading.canonical = cells.canonical;
  } else {
    const value = numberOf(cells.text(bytes));
    if (value === null) throw notANumber(block, row, index, reader);
    reading.value = value;
    reading.canonical = false;
  }
}

/** Where the row at hand falls between 0 and 1, by the cells of the key. */
function pointOf(key: readonly Reading[], bytes: Buffer, hash: RowHash): number {
  hash.begin();
  for (const { number, start, end, value, canonical } of key) {
    if (start < 0) hash.missing();
    else if (!number) hash.word(bytes, start, end);
    else if (canonical) hash.canonicalNumber(bytes, start, end);
    else hash.number(value);
  }
  return hash.point();
}

function partOf(sides: readonly Sides[], labels: Sides, side: 0 | 1, rows: number): Part {
  const columns = sides.map(({ reading, numbers, words }) =>
    reading.number
      ? numbers[side].column(reading.name)
      : words[side].column(reading.name, reading.words),
  );
  return {
    rows,
    columns,
    label: labels.words[side].column(labels.reading.name, labels.reading.words),
  };
}
