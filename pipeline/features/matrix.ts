import { type ColumnTable, table as tableOf } from 'arquero';
import { BadData } from '../../contract/failures.ts';
import { quoteList } from '../csv/quote.ts';
import type { CategoryFeature, Encoder } from './encoder.ts';
import { countRows, type Part, type PartColumn, partFromArrow } from './part.ts';
import type { Report } from '../progress.ts';

/** The code of a word that the train rows do not have. */
const UNSEEN = -1;

/**
 * Encoded rows, by column and without gaps: `columns[c][r]` is feature `names[c]` of row r, `labels[r]` its
 * class. Where numbers are predicted `targets[r]` is its number, and there are no labels.
 */
export interface Matrix {
  readonly rows: number;
  readonly names: readonly string[];
  readonly columns: readonly Float64Array[];
  readonly labels: readonly string[];
  readonly targets?: Float64Array | undefined;
  /** Rows left out for a missing cell, where `preprocess.missing` is `drop`. */
  readonly dropped: number;
}

/**
 * Puts matrices of one encoder below each other. They are taken one by one and none is kept.
 * @param matrices at least one, all with the same names
 * @param most rows they have together, at the most
 */
export function concatMatrices(matrices: Iterable<Matrix>, most: number): Matrix {
  // Where several threads may fit a tree on it.
  const room = (): Float64Array => new Float64Array(new SharedArrayBuffer(8 * most));
  let names: readonly string[] | undefined;
  let columns: Float64Array[] = [];
  let targets: Float64Array | undefined;
  const labels: string[] = [];
  let rows = 0;
  let dropped = 0;
  for (const matrix of matrices) {
    if (names === undefined) {
      names = matrix.names;
      columns = names.map(room);
      targets = matrix.targets && room();
    }
    columns.forEach((column, c) => column.set(matrix.columns[c]!, rows));
    if (targets !== undefined) targets.set(matrix.targets!, rows);
    for (const label of matrix.labels) labels.push(label);
    rows += matrix.rows;
    dropped += matrix.dropped;
  }
  if (names === undefined) throw new RangeError('concatMatrices needs at least one matrix');
  const taken = (column: Float64Array): Float64Array =>
    rows === most ? column : column.subarray(0, rows);
  return {
    rows,
    names,
    columns: columns.map(taken),
    labels,
    targets: targets && taken(targets),
    dropped,
  };
}

/**
 * Encodes a part: numbers as they are, words as their index among the encoder's categories (-1 for one
 * never seen in training). A missing cell becomes the median or the most frequent word's index (-1
 * where no train row knows the column), or under `drop` its row is left out. Columns that came after the
 * part was made are missing in it. Rows of a label the encoder leaves out are left out.
 * @throws BadData when the part has other columns than the encoder was fitted on
 */
export function applyEncoder(encoder: Encoder, part: Part): Matrix {
  checkColumns(encoder, part);
  const { features, labels, missing } = encoder;
  const { label } = part;
  const hasClasses = label.type === 'category';
  const labelled =
    labels === undefined || !hasClasses
      ? part.table
      : part.table.semijoin(tableOf({ [label.name]: labels }), label.name);
  const whole = addMissing(encoder, labelled);
  const known = missing === 'drop' ? dropMissing(encoder, whole) : imputeMissing(encoder, whole);
  return {
    rows: known.numRows(),
    names: features.map(({ name }) => name),
    columns: features.map((feature) =>
      feature.type === 'number'
        ? (known.array(feature.name, Float64Array) as Float64Array)
        : encodeWords(feature, known),
    ),
    labels: hasClasses ? (known.array(label.name) as string[]) : [],
    targets: hasClasses ? undefined : (known.array(label.name, Float64Array) as Float64Array),
    dropped: whole.numRows() - known.numRows(),
  };
}

/** Adds the columns that came after the part was made. */
function addMissing({ features }: Encoder, table: ColumnTable): ColumnTable {
  const absent = features.filter(({ name }) => table.columnIndex(name) < 0);
  return table.derive(Object.fromEntries(absent.map(({ name }) => [name, 'null'])));
}

/** Columns in one expression: arquero parses it by recursion, and thousands overflow the stack. */
const MOST_TESTS = 200;

function dropMissing({ features }: Encoder, table: ColumnTable): ColumnTable {
  // Not `!= null`: of a dictionary that lacks the value arquero makes false of it.
  const tests = features.map(({ name }) => `!(d[${JSON.stringify(name)}] == null)`);
  let known = table;
  for (let from = 0; from < tests.length; from += MOST_TESTS)
    known = known.filter(`d => ${tests.slice(from, from + MOST_TESTS).join(' && ')}`);
  return known;
}

function imputeMissing({ features }: Encoder, table: ColumnTable): ColumnTable {
  const fills = features.map((feature) => [
    feature.name,
    JSON.stringify(feature.type === 'number' ? feature.median : feature.most_frequent),
  ]);
  return table.impute(Object.fromEntries(fills));
}

function encodeWords({ name, categories }: CategoryFeature, table: ColumnTable): Float64Array {
  const codes = new Map<string | null, number>(categories.map((word, index) => [word, index]));
  const words = table.array(name) as (string | null)[];
  return Float64Array.from(words, (word) => codes.get(word) ?? UNSEEN);
}

function checkColumns({ features }: Encoder, part: Part): void {
  const isSame = part.features.every(
    ({ name, type }, i) => features[i]?.name === name && features[i].type === type,
  );
  if (isSame) return;
  const names = (columns: readonly PartColumn[]): string =>
    quoteList(columns.map(({ name, type }) => `${name} (${type})`));
  throw new BadData(
    `the part has columns ${names(part.features)} where the encoder has ${names(features)}: ` +
      'preprocess the batch again',
  );
}

/**
 * Reads and encodes the rows of some parts: all of them, and those of the last part alone.
 * @param parts Arrow files; each is removed from this list when it is read, so that it is not held beside its
 * rows
 */
export function loadRows(
  parts: Uint8Array[],
  encoder: Encoder,
  report?: Report,
): { all: Matrix; last: Matrix | undefined } {
  const most = parts.reduce((sum, bytes) => sum + countRows(bytes), 0);
  const count = parts.length;
  let last: Matrix | undefined;
  function* each(): Generator<Matrix> {
    for (let bytes = parts.shift(); bytes !== undefined; bytes = parts.shift()) {
      last = applyEncoder(encoder, partFromArrow(bytes));
      report?.(1 - parts.length / count);
      yield last;
    }
  }
  return { all: concatMatrices(each(), most), last };
}

/** A sentence on rows that were left out, where there are any. */
export function warnOfDropped({ dropped }: Matrix, side: 'train' | 'test'): string[] {
  return dropped === 0 ? [] : [`${dropped} ${side} rows with a missing cell are left out`];
}
