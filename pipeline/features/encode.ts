import { type ColumnTable, table } from 'arquero';
import { BadData, BadParams } from '../../contract/failures.ts';
import type { DatePart } from '../../contract/defaults.ts';
import {
  indexNames,
  type Column,
  type FeatureColumn,
  listFeatures,
  predictsNumbers,
} from '../batches/columns.ts';
import { splitRows } from '../batches/split.ts';
import { type Cell, CellRule, type CellSettings } from '../csv/cells.ts';
import { decodeCells, type CsvReader } from '../csv/reader.ts';
import { findDatePart } from '../csv/dates.ts';
import { makeDateError, makeNumberError } from '../batches/check-numbers.ts';
import { quoteList, quote } from '../csv/quote.ts';
import { normaliseWord } from './spellings.ts';
import { type Counts, countParts } from './counts.ts';
import type { Part, PartColumn } from './part.ts';

/**
 * How to read a batch. Rows that are equal in the `key` columns stay on one side; null means all features of the
 * first batch.
 */
export interface EncodeOptions {
  readonly cells: CellSettings;
  readonly target: string;
  readonly testSize: number;
  readonly key: readonly string[] | null;
  /** Parts of dates that are features beside the day. */
  readonly dateParts?: readonly DatePart[] | undefined;
  /** Whether labels that differ only in case, or in how a number is written, are one class. */
  readonly normaliseLabels?: boolean | undefined;
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
  const { target, testSize, dateParts = [] } = options;
  const featureColumns = listFeatures(columns, target, dateParts);
  const features = featureColumns.map(toPartColumn);
  const key =
    options.key === null
      ? // A later column and a part of a date do not decide the side of a row: earlier rows could change sides.
        featureColumns.filter(({ since, part }) => since === undefined && part === undefined)
      : findKeyColumns(columns, options.key, reader.file, target);
  const label: PartColumn = {
    name: target,
    type: predictsNumbers(columns, target) ? 'number' : 'category',
  };
  if (!reader.header.includes(target)) {
    throw new BadData(`${reader.file} lacks column ${quote(target)}, the target: restore the file`);
  }
  const read = [...key, ...featureColumns, { ...label, from: target }];
  const all = new Map(read.map((column) => [column.name, column]));
  const batch = readBatch(reader, [...all.values()], options);
  const keyNames = key.map(({ name }) => name);
  const sides = splitRows(batch, keyNames, target, testSize);
  const names = [...features, label].map(({ name }) => name);
  const makePart = (side: ColumnTable): Part => ({ features, label, table: side.select(...names) });
  const [train, test] = [makePart(sides.train), makePart(sides.test)];
  const unlabelled = batch.numRows() - train.table.numRows() - test.table.numRows();
  return { train, test, counts: countParts(train, test, unlabelled) };
}

/**
 * Reads these columns of a batch as a table.
 * @throws BadData at the first cell in the file's order that must hold a number or a date and does not
 */
function readBatch(
  reader: CsvReader,
  columns: readonly FeatureColumn[],
  options: EncodeOptions,
): ColumnTable {
  const rule = new CellRule(options.cells);
  const places = indexNames(reader.header);
  // The parts of a date are derived from the whole date below.
  const whole = columns.filter(({ part }) => part === undefined);
  const read = whole.map(({ name, from, type }) => ({
    index: places.get(from) ?? -1,
    type,
    isLabel: options.normaliseLabels === true && name === options.target,
    words: [] as (string | null)[],
    /**
     * One string for each distinct word. Without this, each cell would keep the whole text of its block in memory.
     */
    distinct: new Map<string, string>(),
    numbers: [] as Float64Array[],
  }));
  for (const block of reader.blocks()) {
    const readText = decodeCells(block);
    for (const { type, numbers } of read)
      numbers.push(new Float64Array(type === 'category' ? 0 : block.rows));
    for (let row = 0; row < block.rows; row++) {
      for (const { index, type, isLabel, words, distinct, numbers } of read) {
        const text = index < 0 ? null : readText(row * reader.width + index);
        if (type === 'category') {
          const word = text === null ? null : rule.readWord(text);
          const wanted = isLabel && word !== null ? normaliseWord(word, rule) : word;
          words.push(intern(wanted, distinct));
          continue;
        }
        const isDate = type === 'date';
        const value = text === null ? null : isDate ? rule.readDate(text) : rule.readNumber(text);
        if (value === undefined)
          throw (isDate ? makeDateError : makeNumberError)(block, row, index, reader);
        numbers[numbers.length - 1]![row] = value ?? Number.NaN;
      }
    }
  }
  const cells = new Map(
    whole.map(({ name }, i) => {
      const { type, words, numbers } = read[i]!;
      return [name, type === 'category' ? words : joinNumbers(numbers)];
    }),
  );
  return table(
    columns.map(({ name, from, part }) => [
      name,
      part === undefined ? cells.get(name)! : findDateParts(cells.get(from)!, part),
    ]),
  );
}

/** @param days of dates, null where a cell is missing */
function findDateParts(days: Float64Array | Cell[], part: DatePart): Float64Array | Cell[] {
  return days instanceof Float64Array
    ? days.map((day) => findDatePart(day, part))
    : days.map((day) => (day === null ? null : findDatePart(day as number, part)));
}

function intern(word: string | null, distinct: Map<string, string>): string | null {
  if (word === null) return null;
  const known = distinct.get(word);
  if (known === undefined) distinct.set(word, word);
  return known ?? word;
}

/** Joins blocks of numbers. Numbers without a missing cell stay in a typed array, a quarter of the memory. */
function joinNumbers(blocks: readonly Float64Array[]): Float64Array | Cell[] {
  const all = new Float64Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all.some(Number.isNaN)
    ? Array.from(all, (value) => (Number.isNaN(value) ? null : value))
    : all;
}

/** Finds the key's columns. The split reads an ignored column, such as a customer id, as words. */
function findKeyColumns(
  columns: readonly Column[],
  key: readonly string[],
  file: string,
  target: string,
): FeatureColumn[] {
  return key.map((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (!column) {
      throw new BadParams(
        `split.key names column ${quote(name)}, which ${file} does not have, only ` +
          `${quoteList(columns.map((candidate) => candidate.name))}: correct the name`,
      );
    }
    if (name === target) {
      throw new BadParams(
        `split.key names ${quote(name)}, the target, which would put whole classes ` +
          'on one side: choose columns that identify who or what a row is about',
      );
    }
    const { type } = column;
    return { name, from: name, type: type === 'ignore' ? 'category' : type };
  });
}

function toPartColumn({ name, type }: FeatureColumn): PartColumn {
  return { name, type: type === 'category' ? 'category' : 'number' };
}
