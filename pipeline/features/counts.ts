import { Buffer } from 'node:buffer';
import type { ColumnTable } from 'arquero';
import { BadData } from '../../contract/failures.ts';
import { fromJsonBytes } from '../json.ts';
import { countWords, type Part, type PartColumn } from './part.ts';
import {
  addWords,
  ALL_BITS,
  limitBuckets,
  type Buckets,
  mergeBuckets,
  NO_NUMBERS,
  type NumberTally,
  countAllWords,
  type Tally,
  tallyNumbers,
} from './tally.ts';

/** A number column with more distinct values is counted in buckets, so that counts stay small. */
const DISTINCT_LIMIT = 10_000;

/** Counts of a number column: how often each value occurs, and how many cells are missing. */
interface NumberCounts extends Buckets {
  readonly name: string;
  readonly type: 'number';
  readonly missing: number;
}

/** Counts of a column of words: how often each word occurs, and how many cells are missing. */
interface WordCounts {
  readonly name: string;
  readonly type: 'category';
  readonly words: Tally;
  readonly missing: number;
}

export type ColumnCounts = NumberCounts | WordCounts;

/**
 * The counts of one or more batches: the cells of the train rows, and the labels of both sides if they are words. An
 * encoder is fitted on counts, and the split is checked with them. Merging the counts of batches gives the counts of
 * their union.
 */
export interface Counts {
  readonly schema: 1;
  readonly train: {
    readonly rows: number;
    readonly columns: readonly ColumnCounts[];
    readonly labels: Tally;
  };
  readonly test: { readonly rows: number; readonly labels: Tally };
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
      rows: train.table.numRows(),
      columns: train.features.map((column) => countColumn(train.table, column, limit)),
      labels: countLabels(train),
    },
    test: { rows: test.table.numRows(), labels: countLabels(test) },
    unlabelled,
  };
}

/**
 * Merges the counts of two sets of batches. The merge is associative and commutative. Its result depends on the rows
 * alone, not on how they are grouped into batches. If one set has more columns at the end, their cells count as missing
 * in the rows of the other.
 * @throws BadData when the two do not count the same columns
 */
export function mergeCounts(a: Counts, b: Counts, limit = DISTINCT_LIMIT): Counts {
  if (a.train.columns.length < b.train.columns.length) return mergeCounts(b, a, limit);
  return {
    schema: 1,
    train: {
      rows: a.train.rows + b.train.rows,
      columns: a.train.columns.map((left, i) => {
        const right = b.train.columns[i] ?? countMissing(left, b.train.rows);
        if (left.name !== right.name) throw makeColumnsError(a, b);
        const { name, type } = left;
        const missing = left.missing + right.missing;
        if (type === 'number' && right.type === 'number') {
          return { name, type, missing, ...mergeBuckets(left, right, limit) };
        }
        if (type === 'category' && right.type === 'category') {
          return { name, type, missing, words: addWords(left.words, right.words) };
        }
        throw makeColumnsError(a, b);
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
 * Returns the canonical JSON of counts as UTF-8. A multiset is a list of pairs. The keys are ordered by hand, because
 * a search for keys in hundreds of thousands of pairs takes longer than writing them.
 */
export function countsToJson({ schema, train, test, unlabelled }: Counts): Uint8Array {
  const json = JSON.stringify;
  const columns = train.columns.map((column) => {
    const { missing, name, type } = column;
    if (type === 'category') return json({ missing, name, type, words: column.words });
    const { bits, values } = column;
    return `${json({ bits, missing, name, type }).slice(0, -1)},"values":${pairsToJson(values)}}`;
  });
  const head = json({ schema, test: { labels: test.labels, rows: test.rows } }).slice(0, -1);
  const tail = `"labels":${json(train.labels)},"rows":${train.rows}},"unlabelled":${unlabelled}}`;
  return Buffer.from(`${head},"train":{"columns":[${columns.join()}],${tail}`);
}

function pairsToJson({ distinct, times }: NumberTally): string {
  return `[${Array.from(distinct, (value, i) => `[${value},${times[i]!}]`).join()}]`;
}

/**
 * Reads what {@link countsToJson} wrote.
 * @throws BadData when the bytes are not counts, or have another schema
 */
export function countsFromJson(bytes: Uint8Array, what = 'the counts of a batch'): Counts {
  const counts = fromJsonBytes(bytes, what) as WrittenCounts;
  const { train } = counts;
  return { ...counts, train: { ...train, columns: train.columns.map(readColumn) } };
}

/** Counts as they are written: a multiset of numbers is a list of pairs too. */
interface WrittenCounts extends Omit<Counts, 'train'> {
  readonly train: Omit<Counts['train'], 'columns'> & { readonly columns: readonly WrittenColumn[] };
}
type WrittenColumn = WordCounts | (Omit<NumberCounts, 'values'> & { readonly values: Pairs });
type Pairs = readonly (readonly [number, number])[];

function readColumn(column: WrittenColumn): ColumnCounts {
  return column.type === 'category' ? column : { ...column, values: readPairs(column.values) };
}

function readPairs(pairs: Pairs): NumberTally {
  const distinct = new Float64Array(pairs.length);
  const times = new Float64Array(pairs.length);
  for (let i = 0; i < pairs.length; i++) [distinct[i], times[i]] = pairs[i]!;
  return { distinct, times };
}

/** Counts a column that is missing in all rows. */
function countMissing({ name, type }: ColumnCounts, missing: number): ColumnCounts {
  return type === 'number'
    ? { name, type, missing, bits: ALL_BITS, values: NO_NUMBERS }
    : { name, type, missing, words: [] };
}

function countColumn(table: ColumnTable, { name, type }: PartColumn, limit: number): ColumnCounts {
  if (type === 'category') {
    const words = countWords(table, name);
    return { name, type, missing: table.numRows() - countAllWords(words), words };
  }
  const cells = table.column(name)!;
  let known = 0;
  const numbers = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row++) {
    const cell = cells.at(row) as number | null;
    if (cell !== null) numbers[known++] = cell;
  }
  // The values are sorted, because arquero's groupby turns each number into a string: see docs/scale.md.
  const values = tallyNumbers(numbers.subarray(0, known));
  return {
    name,
    type,
    missing: cells.length - known,
    ...limitBuckets({ bits: ALL_BITS, values }, limit),
  };
}

function countLabels({ table, label }: Part): Tally {
  return label.type === 'category' ? countWords(table, label.name) : [];
}

function makeColumnsError(a: Counts, b: Counts): BadData {
  const names = ({ train }: Counts): string =>
    train.columns.map(({ name, type }) => `${name} (${type})`).join(', ');
  return new BadData(
    `the counts of batches with different columns cannot be merged (${names(a)}; ${names(b)}): ` +
      'preprocess the batches again with one schema',
  );
}
