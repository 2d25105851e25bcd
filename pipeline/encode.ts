import { BadParams } from '../errors.ts';
import { type Cell, missingWords, numberOf, wordOf } from './cells.ts';
import { type Column, featuresOf } from './columns.ts';
import { type Counts, countParts } from './counts.ts';
import { type Part, type PartColumn, wordColumn } from './part.ts';
import { checkHeader, notANumber } from './rows.ts';
import { isTestRow } from './split.ts';
import { list, quote, type RawTable } from './table.ts';

/** How to read a batch; `key` names columns whose equal rows stay on one side, null means all features. */
export interface EncodeOptions {
  readonly file: string;
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

/** One column read from text: numbers with NaN, or trimmed words with null, where the cell is missing. */
type ReadColumn =
  | { name: string; type: 'number'; cells: Float64Array }
  | { name: string; type: 'category'; cells: (string | null)[] };

/**
 * Reads a batch by its frozen columns and splits it. Rows without a label are left out and counted.
 * Rows keep the batch's order on each side.
 * @throws BadData when the header differs from the columns or a number cell holds text
 * @throws BadParams when a key column does not exist or is the target
 */
export function encodeBatch(
  table: RawTable,
  columns: readonly Column[],
  options: EncodeOptions,
): EncodedBatch {
  const { file, target, testSize } = options;
  checkHeader(table.header, columns, file);
  const missing = missingWords(options.missingValues);
  const read = (column: Column): ReadColumn => readColumn(table, column, missing, file);

  const features = featuresOf(columns, target).map(read);
  const key = options.key === null ? features : keyColumns(columns, options.key, options).map(read);
  const labels = read({ name: target, type: 'category' });

  const train: number[] = [];
  const test: number[] = [];
  for (let row = 0; row < table.rows.length; row++) {
    if (labels.cells[row] === null) continue;
    const cells = key.map((column) => cellAt(column, row));
    (isTestRow(cells, testSize) ? test : train).push(row);
  }
  const sides = { train: take(features, labels, train), test: take(features, labels, test) };
  const unlabelled = table.rows.length - train.length - test.length;
  return { ...sides, counts: countParts(sides.train, sides.test, unlabelled) };
}

/** The key's columns as the split reads them: an ignored one, such as a customer id, as words. */
function keyColumns(
  columns: readonly Column[],
  key: readonly string[],
  { file, target }: EncodeOptions,
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

function readColumn(
  table: RawTable,
  { name, type }: Column,
  missing: ReadonlySet<string>,
  file: string,
): ReadColumn {
  const index = table.header.indexOf(name);
  if (type !== 'number') {
    const cells = table.rows.map((row) => wordOf(row[index]!, missing));
    return { name, type: 'category', cells };
  }
  const cells = new Float64Array(table.rows.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = wordOf(table.rows[row]![index]!, missing);
    const value = cell === null ? Number.NaN : numberOf(cell);
    if (value === null) throw notANumber(table, row, index, { file });
    cells[row] = value;
  }
  return { name, type, cells };
}

function cellAt(column: ReadColumn, row: number): Cell {
  const cell = column.cells[row]!;
  return Number.isNaN(cell) ? null : cell;
}

function take(features: readonly ReadColumn[], labels: ReadColumn, rows: readonly number[]): Part {
  const words = (cells: ReadColumn['cells']): (string | null)[] =>
    rows.map((row) => cells[row] as string | null);
  const columns = features.map(({ name, type, cells }): PartColumn => {
    if (type === 'category') return wordColumn(name, words(cells));
    return { name, type, values: Float64Array.from(rows, (row) => cells[row]!) };
  });
  return { rows: rows.length, columns, label: wordColumn(labels.name, words(labels.cells)) };
}
