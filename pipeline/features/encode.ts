import { type ColumnTable, table } from 'arquero';
import { BadData, BadParams } from '../../contract/failures.ts';
import type { DatePart, readSplit } from '../../contract/defaults.ts';
import {
  indexNames,
  type Column,
  type FeatureColumn,
  listFeatures,
  predictsNumbers,
} from '../batches/columns.ts';
import { splitRows, splitRowsByTime } from '../batches/split.ts';
import { type Cell, CellRule, type CellSettings } from '../csv/cells.ts';
import { decodeCells, type CsvReader } from '../csv/reader.ts';
import { findDatePart } from '../csv/dates.ts';
import { describeCell, makeDateError, makeNumberError } from '../batches/check-numbers.ts';
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
  /** The column by whose times rows are split; undefined or null where a hash decides. */
  readonly timeColumn?: string | null | undefined;
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
  /** Train rows whose time is not known, where rows are split by time. */
  readonly timeless: number;
}

/**
 * Reads a batch by its frozen columns and splits it. Rows without a label are left out and counted.
 * Rows keep the batch's order on each side. A feature that the batch lacks is missing in every row.
 * @throws BadData when the batch cannot be read or a number cell holds text
 * @throws BadParams when a column of the key, or that of the times, does not exist or is the target
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
  const { timeColumn = null } = options;
  const time =
    timeColumn === null ? [] : [findTimeColumn(columns, timeColumn, reader.file, target)];
  const read = [...key, ...featureColumns, { ...label, from: target }, ...time];
  const all = new Map(read.map((column) => [column.name, column]));
  const batch = readBatch(reader, [...all.values()], options);
  const keyNames = key.map(({ name }) => name);
  const times = time.map(({ name }) => batch.array(name) as ArrayLike<number | null>)[0];
  const sides =
    times === undefined
      ? splitRows(batch, keyNames, target, testSize)
      : splitRowsByTime(batch, times, { key: keyNames, label: target, testSize });
  const names = [...features, label].map(({ name }) => name);
  const makePart = (side: ColumnTable): Part => ({ features, label, table: side.select(...names) });
  const [train, test] = [makePart(sides.train), makePart(sides.test)];
  const unlabelled = batch.numRows() - train.table.numRows() - test.table.numRows();
  const timeless = time.reduce(
    (sum, { name }) => sum + Array.from(sides.train.array(name)).filter((at) => at === null).length,
    0,
  );
  return { train, test, counts: countParts(train, test, unlabelled), timeless };
}

/**
 * Reads these columns of a batch as a table.
 * @throws BadData at the first cell in the file's order that must hold a number or a date and does not
 */
function readBatch(
  reader: CsvReader,
  columns: readonly ReadColumn[],
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
    times: type === 'time' ? new TimeCells(rule) : undefined,
  }));
  for (const block of reader.blocks()) {
    const readText = decodeCells(block);
    for (const { type, numbers } of read)
      numbers.push(new Float64Array(type === 'category' || type === 'time' ? 0 : block.rows));
    for (let row = 0; row < block.rows; row++) {
      for (const { index, type, isLabel, words, distinct, numbers, times } of read) {
        const text = index < 0 ? null : readText(row * reader.width + index);
        if (times !== undefined) {
          times.add(text, () => describeCell(block, row, index, reader));
          continue;
        }
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
      const { type, words, numbers, times } = read[i]!;
      if (times !== undefined) return [name, times.read()];
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

/** The times of a column that is no feature: all dates, or all numbers. */
class TimeCells {
  readonly #rule: CellRule;
  readonly #dates: (number | null)[] = [];
  readonly #numbers: (number | null)[] = [];
  /** The first cell that is no date, and the first that is no number. */
  #noDate: string | undefined;
  #noNumber: string | undefined;

  constructor(rule: CellRule) {
    this.#rule = rule;
  }

  /** @param describe says where the cell is and what it holds */
  add(text: string | null, describe: () => string): void {
    const [date, number] =
      text === null ? [null, null] : [this.#rule.readDate(text), this.#rule.readNumber(text)];
    if (date === undefined) this.#noDate ??= describe();
    if (number === undefined) this.#noNumber ??= describe();
    this.#dates.push(date ?? null);
    this.#numbers.push(number ?? null);
  }

  /** @throws BadData when they are neither all dates nor all numbers */
  read(): (number | null)[] {
    if (this.#noDate === undefined) return this.#dates;
    if (this.#noNumber === undefined) return this.#numbers;
    throw new BadData(
      `${this.#noDate} is not a date (ISO 8601, such as 2024-02-29 or 2024-02-29T12:30), and the rows are split by this column ` +
        '(split.time_column): correct the cell, or start a new pipeline that splits by another column',
    );
  }
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

/**
 * Checks the columns that decide the side of a row, before they are frozen.
 * @throws BadParams when one of them does not exist or is the target
 */
export function checkSplitColumns(
  columns: readonly Column[],
  { key, timeColumn }: Pick<ReturnType<typeof readSplit>, 'key' | 'timeColumn'>,
  { target, file }: { target: string; file: string },
): void {
  if (key !== null) findKeyColumns(columns, key, file, target);
  if (timeColumn !== null) findTimeColumn(columns, timeColumn, file, target);
}

/**
 * Checks the columns by whose values the gate splits test rows. An open column may become a feature.
 * @throws BadParams when one of them is no feature
 */
export function checkSliceColumns(
  columns: readonly Column[],
  slices: readonly string[],
  { target, dateParts }: { target: string; dateParts: readonly DatePart[] },
): void {
  const features = listFeatures(columns, target, dateParts).map(({ name }) => name);
  const open = columns.filter((column) => column.open === true).map(({ name }) => name);
  const wrong = slices.filter((name) => !features.includes(name) && !open.includes(name));
  if (wrong.length > 0)
    throw new BadParams(
      `gate.slices names ${quoteList(wrong)}, which is no feature of the model, only ${quoteList(features)}: name features in params.yaml`,
    );
}

/** A column of a file that is read: a feature, the label, or the time of the rows. */
type ReadColumn = Omit<FeatureColumn, 'type'> & { type: FeatureColumn['type'] | 'time' };

/** No column of a file has this name, because names are trimmed. */
const TIME = ' time';

/**
 * Finds the column of the times. One that is no feature, or holds words, is read as dates or as numbers.
 * @throws BadParams when it does not exist or is the target
 */
function findTimeColumn(
  columns: readonly Column[],
  name: string,
  file: string,
  target: string,
): ReadColumn {
  const { type } = findColumn(columns, name, 'split.time_column', file);
  if (name === target)
    throw new BadParams(
      `split.time_column names ${quote(name)}, the target: choose a column that says when a row was seen`,
    );
  return type === 'number' || type === 'date'
    ? { name, from: name, type }
    : { name: TIME, from: name, type: 'time' };
}

function findColumn(columns: readonly Column[], name: string, param: string, file: string): Column {
  const column = columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  throw new BadParams(
    `${param} names column ${quote(name)}, which ${file} does not have, only ` +
      `${quoteList(columns.map((candidate) => candidate.name))}: correct the name`,
  );
}

/** Finds the key's columns. The split reads an ignored column, such as a customer id, as words. */
function findKeyColumns(
  columns: readonly Column[],
  key: readonly string[],
  file: string,
  target: string,
): FeatureColumn[] {
  return key.map((name) => {
    const column = findColumn(columns, name, 'split.key', file);
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
