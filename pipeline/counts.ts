import { Buffer } from 'node:buffer';
import { BadData } from '../errors.ts';
import { ALL_BITS, type Buckets, mergeBuckets } from './buckets.ts';
import { countNumbers } from './count-numbers.ts';
import { fromJsonBytes } from './json.ts';
import type { Part, PartColumn, WordColumn } from './part.ts';
import { addWords, sizeOf, type Tally } from './tally.ts';

/** Past this many distinct values a number column is counted in buckets, so that counts stay small. */
const DISTINCT_LIMIT = 10_000;

/** Of a number column: how often each value occurs, and how many cells are missing. */
interface NumberCounts extends Buckets {
  readonly name: string;
  readonly type: 'number';
  readonly missing: number;
}

/** Of a column of words: how often each occurs, and how many cells are missing. */
interface WordCounts {
  readonly name: string;
  readonly type: 'category';
  readonly words: Tally<string>;
  readonly missing: number;
}

export type ColumnCounts = NumberCounts | WordCounts;

/**
 * What has to be known of batches to fit an encoder and to judge the split: the train rows' cells, and
 * the labels of both sides, if they are words. Plain JSON. Merging the counts of batches gives the counts of their union.
 */
export interface Counts {
  readonly schema: 1;
  readonly train: {
    readonly rows: number;
    readonly columns: readonly ColumnCounts[];
    readonly labels: Tally<string>;
  };
  readonly test: { readonly rows: number; readonly labels: Tally<string> };
  /** Rows left out because their label is missing. */
  readonly unlabelled: number;
}

/** Counts one batch. */
export function countParts(
  train: Part,
  test: Part,
  unlabelled: number,
  limit = DISTINCT_LIMIT,
): Counts {
  return {
    schema: 1,
    train: {
      rows: train.rows,
      columns: train.columns.map((column) => countColumn(column, limit)),
      labels: countLabels(train),
    },
    test: { rows: test.rows, labels: countLabels(test) },
    unlabelled,
  };
}

/**
 * The counts of two sets of batches together: associative, commutative, and a function of the rows
 * alone, however they were grouped into batches. Columns that one has after those of the other are
 * missing in all of its rows.
 * @throws BadData when the two do not count the same columns
 */
export function mergeCounts(a: Counts, b: Counts, limit = DISTINCT_LIMIT): Counts {
  if (a.train.columns.length < b.train.columns.length) return mergeCounts(b, a, limit);
  return {
    schema: 1,
    train: {
      rows: a.train.rows + b.train.rows,
      columns: a.train.columns.map((left, i) => {
        const right = b.train.columns[i] ?? allMissing(left, b.train.rows);
        if (left.name !== right.name) throw otherColumns(a, b);
        const { name, type } = left;
        const missing = left.missing + right.missing;
        if (type === 'number' && right.type === 'number') {
          return { name, type, missing, ...mergeBuckets(left, right, limit) };
        }
        if (type === 'category' && right.type === 'category') {
          return { name, type, missing, words: addWords(left.words, right.words) };
        }
        throw otherColumns(a, b);
      }),
      labels: addWords(a.train.labels, b.train.labels),
    },
    test: {
      rows: a.test.rows + b.test.rows,
      labels: addWords(a.test.labels, b.test.labels),
    },
    unlabelled: a.unlabelled + b.unlabelled,
  };
}

/**
 * Canonical bytes of counts. Their keys are put in order here, for to look for keys in hundreds of
 * thousands of pairs takes longer than to write them.
 */
export function countsToJson({ schema, train, test, unlabelled }: Counts): Uint8Array {
  const { rows, labels } = train;
  const columns = train.columns.map((column) => {
    const { missing, name, type } = column;
    if (type === 'category') return { missing, name, type, words: column.words };
    return { bits: column.bits, missing, name, type, values: column.values };
  });
  const document = {
    schema,
    test: { labels: test.labels, rows: test.rows },
    train: { columns, labels, rows },
    unlabelled,
  };
  return Buffer.from(JSON.stringify(document));
}

/**
 * Reads what {@link countsToJson} wrote.
 * @throws BadData when the bytes are not that, or of another schema
 */
export function countsFromJson(bytes: Uint8Array, what = 'the counts of a batch'): Counts {
  return fromJsonBytes(bytes, what) as Counts;
}

/** The counts of a column that none of the rows have. */
function allMissing({ name, type }: ColumnCounts, missing: number): ColumnCounts {
  return type === 'number'
    ? { name, type, missing, bits: ALL_BITS, values: [] }
    : { name, type, missing, words: [] };
}

function countColumn(column: PartColumn, limit: number): ColumnCounts {
  const { name, type } = column;
  if (type === 'number') {
    return { name, type, ...countNumbers(column.values, limit) };
  }
  const words = countWords(column);
  return { name, type, missing: column.codes.length - sizeOf(words), words };
}

function countLabels({ label }: Part): Tally<string> {
  return label.type === 'category' ? countWords(label) : [];
}

function countWords({ words, codes }: WordColumn): Tally<string> {
  const counts = new Float64Array(words.length);
  for (let row = 0; row < codes.length; row++) if (codes[row]! >= 0) counts[codes[row]!]!++;
  return words.map((word, code) => [word, counts[code]!] as const);
}

function otherColumns(a: Counts, b: Counts): BadData {
  const names = ({ train }: Counts): string =>
    train.columns.map(({ name, type }) => `${name} (${type})`).join(', ');
  return new BadData(
    `the counts of batches with different columns cannot be merged (${names(a)}; ${names(b)}): ` +
      'preprocess the batches again with one schema',
  );
}
