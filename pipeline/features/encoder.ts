import { BadData } from '../../contract/failures.ts';
import type { DatePart, Task } from '../../contract/defaults.ts';
import {
  type Column,
  type FeatureColumn,
  listFeatures,
  predictsNumbers,
} from '../batches/columns.ts';
import type { ColumnCounts, Counts } from './counts.ts';
import { byCodePoint } from '../../contract/codepoints.ts';
import { fromJsonBytes, toJsonBytes } from '../json.ts';
import { nameColumnParam, quoteList, quote } from '../csv/quote.ts';
import { warnOfLabelSpellings, warnOfWordSpellings } from './spellings.ts';
import { addWords, countMembers, type NumberTally, type Tally } from './tally.ts';
import type { Vocabulary } from './vocabulary.ts';

/** A confusion matrix has a cell for each pair of classes. */
const MOST_CLASSES = 1000;

/** A feature with more words looks like a key, and its encoder would grow with the rows. */
const MOST_CATEGORIES = 1_000_000;

/** `impute` fills in a missing cell; `drop` leaves out its row. */
export type MissingRule = 'impute' | 'drop';

export interface NumberFeature {
  readonly name: string;
  readonly type: 'number';
  /** Replaces a missing cell. */
  readonly median: number;
}

export interface CategoryFeature {
  readonly name: string;
  readonly type: 'category';
  /** A word's code is its index here; code-point order. */
  readonly categories: readonly string[];
  /** Replaces a missing cell; null when the column is missing in every train row. */
  readonly most_frequent: string | null;
}

/** A date in days since 1970-01-01T00:00Z, or a part of it. */
export interface DateFeature {
  readonly name: string;
  readonly type: 'date';
  /** Replaces a missing cell. */
  readonly median: number;
  /** The column and the part of its dates; absent for the date itself. */
  readonly from?: string | undefined;
  readonly part?: DatePart | undefined;
}

type Feature = NumberFeature | DateFeature | CategoryFeature;

/**
 * Everything that is fitted on the train rows of a version, as plain JSON. `classes` are the classes of the train
 * rows. A class that only test rows have is scored too, and the model never predicts it. A target of numbers has no
 * classes.
 */
export interface Encoder {
  /** In schema 1 the code of a word that no train row has is -1. */
  readonly schema: 1 | 2;
  readonly target: string;
  readonly missing: MissingRule;
  /** A word that no train row has counts as a missing cell. Absent in schema 1. */
  readonly unseen?: 'missing' | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly features: readonly Feature[];
  /** Rows with other labels than these are left out. If absent, no row is left out for its label. */
  readonly labels?: readonly string[] | undefined;
}

/** How an encoder is fitted. `vocabulary` holds the only words that are learnt; if absent, every word is learnt. */
export interface FitOptions {
  readonly missing: MissingRule;
  readonly vocabulary?: Vocabulary | undefined;
  readonly dateParts?: readonly DatePart[] | undefined;
}

/**
 * Fits the encoder of a version from the merged counts of its batches.
 * @param columns the frozen schema
 * @returns the encoder, and warnings about columns without any value
 * @throws BadData when there are no train rows, the counts are of other columns, or the classes or the words of a
 *   feature are too many
 */
export function fitEncoder(
  counts: Counts,
  columns: readonly Column[],
  target: string,
  { missing, vocabulary, dateParts = [] }: FitOptions,
): { encoder: Encoder; warnings: string[] } {
  if (counts.train.rows === 0) {
    throw new BadData(
      'there are no train rows to fit an encoder on: lower split.test_size or add data',
    );
  }
  const hasClasses = !predictsNumbers(columns, target);
  if (hasClasses) checkClasses(counts, target);
  const labelled = addWords(counts.train.labels, counts.test.labels);
  const schema = listFeatures(columns, target, dateParts);
  const warnings = hasClasses ? warnOfLabelSpellings(labelled, target) : [];
  const features = schema.map((column, i): Feature => {
    const counted = counts.train.columns[i];
    if (
      counted?.name !== column.name ||
      (counted.type === 'category') !== (column.type === 'category')
    ) {
      throw new BadData(
        `the counts are of columns ${quoteList(counts.train.columns.map(({ name }) => name))} where the ` +
          `schema has ${quoteList(schema.map(({ name }) => name))}: preprocess the batches again`,
      );
    }
    if (counted.missing === counts.train.rows) {
      warnings.push(
        `column ${quote(column.name)} is missing in every train row, so the model learns nothing from it`,
      );
    }
    if (counted.type === 'category' && counted.words.length > MOST_CATEGORIES) {
      throw new BadData(
        `column ${quote(column.name)} has ${counted.words.length} different words in the train rows, and ` +
          `the limit is ${MOST_CATEGORIES}: it looks like a key; start a pipeline with ${nameColumnParam(column.name)}: ignore`,
      );
    }
    if (counted.type === 'category')
      warnings.push(...warnOfWordSpellings(counted.words, column.name));
    return fitFeature(column, dropUnknownWords(counted, vocabulary));
  });
  const classes = counts.train.labels.map(([label]) => label);
  const encoder = { schema: 2, target, missing, unseen: 'missing', features } as const;
  if (!hasClasses) return { encoder, warnings };
  if (vocabulary === undefined) return { encoder: { ...encoder, classes }, warnings };
  const labels = [...vocabulary.labels].sort(byCodePoint);
  const learnt = classes.filter((label) => vocabulary.labels.has(label));
  return { encoder: { ...encoder, classes: learnt, labels }, warnings };
}

/** The names of the features that are parts of dates. */
export function listDateParts({ features }: Encoder): string[] {
  return features.flatMap((feature) =>
    feature.type === 'date' && feature.part !== undefined ? [feature.name] : [],
  );
}

/** Returns the canonical JSON of an encoder as UTF-8. */
export function encoderToJson(encoder: Encoder): Uint8Array {
  return toJsonBytes(encoder);
}

/**
 * Reads what {@link encoderToJson} wrote.
 * @throws BadData when the bytes are not an encoder, or have another schema
 */
export function encoderFromJson(bytes: Uint8Array, what = 'the encoder'): Encoder {
  return fromJsonBytes(bytes, what, 2) as Encoder;
}

/** What a model of this encoder predicts. */
export function taskOfEncoder({ classes }: Pick<Encoder, 'classes'>): Task {
  return classes === undefined ? 'regression' : 'classification';
}

/** The code of a missing cell where no train row has a word, and of an unseen word under encoders of schema 1. */
const NO_WORD = -1;

/** The codes of a feature's words, of a missing cell, and of a word that no train row has. */
export function codeWords(
  { categories, most_frequent }: CategoryFeature,
  { unseen }: Encoder,
): { codes: ReadonlyMap<string, number>; missing: number; other: number } {
  const codes = new Map(categories.map((word, index) => [word, index]));
  const missing = most_frequent === null ? NO_WORD : codes.get(most_frequent)!;
  return { codes, missing, other: unseen === 'missing' ? missing : NO_WORD };
}

function checkClasses({ train, test }: Counts, target: string): void {
  const classes = new Set([...train.labels, ...test.labels].map(([label]) => label));
  if (classes.size <= MOST_CLASSES) return;
  throw new BadData(
    `column ${quote(target)}, the target, has ${classes.size} different values, and the limit is ` +
      `${MOST_CLASSES} classes: to predict quantities, start a pipeline with model.task: regression; or choose another data.target`,
  );
}

/** Removes the words that are not learnt from the counts. */
function dropUnknownWords(counted: ColumnCounts, vocabulary: Vocabulary | undefined): ColumnCounts {
  const words = vocabulary?.words.get(counted.name);
  if (words === undefined || counted.type === 'number') return counted;
  return { ...counted, words: counted.words.filter(([word]) => words.has(word)) };
}

function fitFeature({ name, type, from, part }: FeatureColumn, counted: ColumnCounts): Feature {
  if (counted.type === 'category')
    return {
      name,
      type: 'category',
      categories: counted.words.map(([word]) => word),
      most_frequent: findMostFrequent(counted.words),
    };
  const median = findMedian(counted.values);
  if (type !== 'date') return { name, type: 'number', median };
  return { name, type, median, ...(part === undefined ? {} : { from, part }) };
}

/** Finds the middle value, or the mean of the two in the middle; 0 if there are no values. */
function findMedian(values: NumberTally): number {
  const size = countMembers(values);
  if (size === 0) return 0;
  const lower = findMember(values, Math.floor((size - 1) / 2));
  const upper = findMember(values, Math.floor(size / 2));
  // Each half is taken before the sum, because the sum of two large values may exceed the largest float64.
  return lower === upper ? lower : lower / 2 + upper / 2;
}

/** Finds member `n`, from 0, of a multiset in ascending order, which has more members. */
function findMember({ distinct, times }: NumberTally, n: number): number {
  let i = 0;
  let left = n;
  while (left >= times[i]!) left -= times[i++]!;
  return distinct[i]!;
}

/** Finds the most frequent word. Among equals it is the first in code-point order. Null if there are no words. */
function findMostFrequent(words: Tally): string | null {
  let best: readonly [string, number] | undefined;
  for (const entry of words) if (!best || entry[1] > best[1]) best = entry;
  return best?.[0] ?? null;
}
