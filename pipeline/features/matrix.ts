import { type ColumnTable, table as tableOf } from 'arquero';
import { BadData } from '../../contract/failures.ts';
import { quoteList } from '../csv/quote.ts';
import { type CategoryFeature, codeWords, type Encoder } from './encoder.ts';
import { countRows, dropRows, type Part, partFromArrow } from './part.ts';
import type { Report } from '../progress.ts';

/**
 * Encoded rows, stored by column and without missing cells. `columns[c][r]` is feature `names[c]` of row r.
 * `labels[r]` is the class of row r. In a regression, `targets[r]` is the number of row r and there are no labels.
 */
export interface Matrix {
  readonly rows: number;
  readonly names: readonly string[];
  readonly columns: readonly Float64Array[];
  readonly labels: readonly string[];
  readonly targets?: Float64Array | undefined;
  /** Number of rows left out because of a missing cell, if `preprocess.missing` is `drop`. */
  readonly dropped: number;
}

/**
 * Concatenates the rows of matrices of one encoder. Only one matrix is read at a time, and none is kept.
 * @param matrices at least one, all with the same names
 * @param most upper bound of their rows in total
 */
export function concatMatrices(matrices: Iterable<Matrix>, most: number): Matrix {
  // The memory is shared, because several threads may fit a tree on it.
  const allocate = (): Float64Array => new Float64Array(new SharedArrayBuffer(8 * most));
  let names: readonly string[] | undefined;
  let columns: Float64Array[] = [];
  let targets: Float64Array | undefined;
  const labels: string[] = [];
  let rows = 0;
  let dropped = 0;
  for (const matrix of matrices) {
    if (names === undefined) {
      names = matrix.names;
      columns = names.map(allocate);
      targets = matrix.targets && allocate();
    }
    columns.forEach((column, c) => column.set(matrix.columns[c]!, rows));
    if (targets !== undefined) targets.set(matrix.targets!, rows);
    for (const label of matrix.labels) labels.push(label);
    rows += matrix.rows;
    dropped += matrix.dropped;
  }
  if (names === undefined) throw new RangeError('concatMatrices needs at least one matrix');
  const trim = (column: Float64Array): Float64Array => column.subarray(0, rows);
  return {
    rows,
    names,
    columns: columns.map(trim),
    labels,
    targets: targets && trim(targets),
    dropped,
  };
}

/**
 * Encodes a part. Numbers stay as they are. A word becomes its index in the categories of the encoder; a word that no
 * train row has counts as a missing cell. A missing cell becomes the median or the index of the most frequent word;
 * it becomes -1 if the column is missing in every train row. Under `drop` the row of a missing cell is left out
 * instead. Columns that came after the part was made count as missing. Rows are left out if the encoder has `labels`
 * without their label.
 * @throws BadData when the part has other columns than the encoder was fitted on
 */
export function applyEncoder(encoder: Encoder, part: Part): Matrix {
  return encodeTable(encoder, part).matrix;
}

/** The name of a column with the number of each row. No column of a file has a control character in its name. */
const ROW = '\u0000row';

/**
 * Encodes a part like {@link applyEncoder}, and says which of its rows are kept.
 * @returns the matrix, and for each of its rows the number of the row in the part, from 0
 */
export function applyWithRows(encoder: Encoder, part: Part): Matrix & { kept: Uint32Array } {
  const numbers = Uint32Array.from({ length: part.table.numRows() }, (_, i) => i);
  const numbered = part.table.assign(tableOf({ [ROW]: numbers }));
  const { matrix, known } = encodeTable(encoder, { ...part, table: numbered });
  return { ...matrix, kept: known.array(ROW, Uint32Array) as Uint32Array };
}

/** Encodes a part, and returns its rows that are kept, before they are encoded. */
function encodeTable(encoder: Encoder, part: Part): { matrix: Matrix; known: ColumnTable } {
  checkColumns(encoder, part);
  const { features, labels, missing } = encoder;
  const { label } = part;
  const hasClasses = label.type === 'category';
  const labelled =
    labels === undefined
      ? part.table
      : part.table.semijoin(tableOf({ [label.name]: labels }), label.name);
  const whole = addMissing(encoder, labelled);
  const known =
    missing === 'drop'
      ? dropMissing(encoder, encoder.unseen === 'missing' ? removeUnseen(encoder, whole) : whole)
      : imputeMissing(encoder, whole);
  const matrix = {
    rows: known.numRows(),
    names: features.map(({ name }) => name),
    columns: features.map((feature) =>
      feature.type === 'category'
        ? encodeWords(feature, known, encoder)
        : (known.array(feature.name, Float64Array) as Float64Array),
    ),
    labels: hasClasses ? (known.array(label.name) as string[]) : [],
    targets: hasClasses ? undefined : (known.array(label.name, Float64Array) as Float64Array),
    dropped: whole.numRows() - known.numRows(),
  };
  return { matrix, known };
}

/** Adds the columns that came after the part was made. */
function addMissing({ features }: Encoder, table: ColumnTable): ColumnTable {
  const absent = features.filter(({ name }) => table.columnIndex(name) < 0);
  return table.derive(Object.fromEntries(absent.map(({ name }) => [name, 'null'])));
}

/** The most columns in one expression. arquero parses it by recursion, and thousands overflow the stack. */
const MOST_TESTS = 200;

function dropMissing({ features }: Encoder, table: ColumnTable): ColumnTable {
  // Not `!= null`: arquero evaluates that as false for a dictionary that does not contain null.
  const tests = features.map(({ name }) => `!(d[${JSON.stringify(name)}] == null)`);
  let known = table;
  for (let from = 0; from < tests.length; from += MOST_TESTS)
    known = known.filter(`d => ${tests.slice(from, from + MOST_TESTS).join(' && ')}`);
  return known;
}

function imputeMissing({ features }: Encoder, table: ColumnTable): ColumnTable {
  const fills = features.map((feature) => [
    feature.name,
    JSON.stringify(feature.type === 'category' ? feature.most_frequent : feature.median),
  ]);
  return table.impute(Object.fromEntries(fills));
}

function encodeWords(feature: CategoryFeature, table: ColumnTable, encoder: Encoder): Float64Array {
  const { codes, missing, other } = codeWords(feature, encoder);
  const words = table.array(feature.name) as (string | null)[];
  return Float64Array.from(words, (word) => (word === null ? missing : (codes.get(word) ?? other)));
}

/** Replaces words that no train row has by missing cells, so that their rows can be left out. */
function removeUnseen({ features }: Encoder, table: ColumnTable): ColumnTable {
  const columns = features.flatMap((feature) => {
    if (feature.type !== 'category') return [];
    const { name, categories } = feature;
    const known = new Set<string | null>(categories);
    const words = table.array(name) as (string | null)[];
    if (words.every((word) => word === null || known.has(word))) return [];
    return [[name, words.map((word) => (known.has(word) ? word : null))] as const];
  });
  return columns.length === 0 ? table : table.assign(tableOf(Object.fromEntries(columns)));
}

function checkColumns({ features }: Encoder, part: Part): void {
  const isSame = part.features.every(
    ({ name, type }, i) =>
      features[i]?.name === name && (features[i].type === 'category') === (type === 'category'),
  );
  if (isSame) return;
  const names = (columns: readonly { name: string; type: string }[]): string =>
    quoteList(columns.map(({ name, type }) => `${name} (${type})`));
  throw new BadData(
    `the part has columns ${names(part.features)} where the encoder has ${names(features)}: ` +
      'preprocess the batch again',
  );
}

/**
 * Reads and encodes the rows of some parts.
 * @param parts Arrow files; each one is removed from this list when it is read, so that a file and its rows are not
 *   held in memory together
 * @param of.leftOut for each part, 1 for each row that is left out
 * @returns the rows of all parts, the number of rows of each part, and the rows of the last part alone
 */
export function loadRows(
  parts: Uint8Array[],
  encoder: Encoder,
  {
    report,
    leftOut,
  }: { report?: Report | undefined; leftOut?: readonly Uint8Array[] | undefined } = {},
): { all: Matrix; sizes: number[]; last: Matrix | undefined } {
  const most = parts.reduce((sum, bytes) => sum + countRows(bytes), 0);
  const count = parts.length;
  const sizes: number[] = [];
  let last: Matrix | undefined;
  function* each(): Generator<Matrix> {
    for (let bytes = parts.shift(); bytes !== undefined; bytes = parts.shift()) {
      const part = partFromArrow(bytes);
      const flags = leftOut?.[count - parts.length - 1];
      last = applyEncoder(encoder, flags === undefined ? part : dropRows(part, flags));
      report?.(1 - parts.length / count);
      sizes.push(last.rows);
      yield last;
    }
  }
  return { all: concatMatrices(each(), most), sizes, last };
}

/** Warns about rows that were left out, if there are any. */
export function warnOfDropped({ dropped }: Matrix, side: 'train' | 'test'): string[] {
  return dropped === 0 ? [] : [`${dropped} ${side} rows with a missing cell are left out`];
}
