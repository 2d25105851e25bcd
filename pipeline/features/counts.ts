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

/** With more distinct values a number column is counted in buckets, so that counts stay small. */
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
  readonly words: Tally;
  readonly missing: number;
}

export type ColumnCounts = NumberCounts | WordCounts;

/**
 * The counts of batches from which an encoder is fitted and the split is checked: the cells of the train rows, and
 * the labels of both sides, if they are words. Plain JSON. Merging the counts of batches gives the counts of their union.
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
 * Canonical bytes of counts; a multiset is a list of pairs. Keys are ordered here, because searching for keys in
 * hundreds of thousands of pairs takes longer than writing them.
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
 * @throws BadData when the bytes are not that, or of another schema
 */
export function countsFromJson(bytes: Uint8Array, what = 'the counts of a batch'): Counts {
  const counts = fromJsonBytes(bytes, what) as WrittenCounts;
  const { train } = counts;
  return { ...counts, train: { ...train, columns: train.columns.map(readColumn) } };
}

/** As they are written: a multiset of numbers is pairs too. */
interface WrittenCounts extends Omit<Counts, 'train'> {
  readonly train: Omit<Counts['train'], 'columns'> & { readonly columns: readonly WrittenColumn[] };
}
type WrittenColumn = WordCounts | (Omit<NumberCounts, 'values'> & { readonly values: Pairs });
type Pairs = readonly (readonly [number, number])[];

function readColumn(column: WrittenColumn): ColumnCounts {
  return column.type === 'category' ? column : { ...column, values: tallyOfPairs(column.values) };
}

function tallyOfPairs(pairs: Pairs): NumberTally {
  const distinct = new Float64Array(pairs.length);
  const times = new Float64Array(pairs.length);
  for (let i = 0; i < pairs.length; i++) [distinct[i], times[i]] = pairs[i]!;
  return { distinct, times };
}

/** The counts of a column that none of the rows have. */
function allMissing({ name, type }: ColumnCounts, missing: number): ColumnCounts {
  return type === 'number'
    ? { name, type, missing, bits: ALL_BITS, values: NO_NUMBERS }
    : { name, type, missing, words: [] };
}

function countColumn(table: ColumnTable, { name, type }: PartColumn, limit: number): ColumnCounts {
  if (type === 'category') {
    const words = countWords(table, name);
    return { name, type, missing: table.numRows() - countAllWords(words), words };
  }
  const cells = table.array(name) as (number | null)[];
  // Sorted, because arquero's groupby makes a text of each number: see docs/scale.md.
  const known = Float64Array.from(cells.filter((cell) => cell !== null));
  const values = tallyNumbers(known);
  return {
    name,
    type,
    missing: cells.length - known.length,
    ...limitBuckets({ bits: ALL_BITS, values }, limit),
  };
}

function countLabels({ table, label }: Part): Tally {
  return label.type === 'category' ? countWords(table, label.name) : [];
}

function otherColumns(a: Counts, b: Counts): BadData {
  const names = ({ train }: Counts): string =>
    train.columns.map(({ name, type }) => `${name} (${type})`).join(', ');
  return new BadData(
    `the counts of batches with different columns cannot be merged (${names(a)}; ${names(b)}): ` +
      'preprocess the batches again with one schema',
  );
}
