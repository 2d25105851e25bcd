import { BadData } from '../../contract/failures.ts';
import type { Column } from '../batches/columns.ts';
import type { OnChange } from '../batches/conform.ts';
import type { Counts } from './counts.ts';
import { countWords, type Part } from './part.ts';
import { addWords, type Tally } from './tally.ts';
import { quoteList, quote } from '../csv/quote.ts';

/** Words that a model may learn. */
export interface Vocabulary {
  /** By column; no entry for a column of numbers. */
  readonly words: ReadonlyMap<string, ReadonlySet<string>>;
  readonly labels: ReadonlySet<string>;
}

/** Both sides of a batch. */
export interface BatchParts {
  readonly batch: number;
  readonly parts: readonly Part[];
}

/**
 * Collects the words that a pipeline starts with: the words of the first batch. For a column that came later, it
 * collects the words of the batch that added it.
 * @param sources batches in order; they include batch 1 and each batch that added a column
 */
export function collectVocabulary(
  sources: readonly BatchParts[],
  columns: readonly Column[],
): Vocabulary {
  const words = new Map<string, Set<string>>();
  const byBatch = new Map(
    sources.map(({ batch, parts }) => [batch, { parts, names: findWordColumns(parts) }]),
  );
  for (const { name, since = 1 } of columns) {
    const source = byBatch.get(since);
    if (source?.names.has(name) === true) words.set(name, findWords(source.parts, name));
  }
  return { words, labels: findLabels(sources[0]!.parts) };
}

/**
 * Finds words that are not in the vocabulary.
 * @param rule what `data.on_new_category` says: new words are refused or left out
 * @returns warnings about words that are left out
 * @throws BadData when new words are refused; the error names the batch, the column and the words
 */
export function findNewWords(
  { words, labels }: Vocabulary,
  { batch, parts }: BatchParts,
  rule: OnChange,
): string[] {
  const warnings: string[] = [];
  for (const name of findWordColumns(parts)) {
    const fresh = removeKnown(findWords(parts, name), words.get(name));
    if (fresh.length === 0) continue;
    if (rule === 'fail') throw makeNewWordError(batch, name, fresh, '');
    warnings.push(
      `batch ${batch} has ${quoteList(fresh)} in column ${quote(name)}, not known from the first batch: the model reads them as missing`,
    );
  }
  const fresh = removeKnown(findLabels(parts), labels);
  if (fresh.length === 0) return warnings;
  const target = parts[0]!.label.name;
  if (rule === 'fail') throw makeNewWordError(batch, target, fresh, ', the target');
  return [
    ...warnings,
    `batch ${batch} has ${quoteList(fresh)} in column ${quote(target)}, not known from the first batch: rows with such a label are left out`,
  ];
}

function makeNewWordError(
  batch: number,
  column: string,
  fresh: readonly string[],
  which: string,
): BadData {
  return new BadData(
    `batch ${batch} has ${quoteList(fresh)} in column ${quote(column)}${which}, which the first batch does not have: ` +
      'correct the cells, or set data.on_new_category to ignore or adapt',
  );
}

/** The names of the features that hold words. */
function findWordColumns(parts: readonly Part[]): Set<string> {
  const features = parts.flatMap((part) => part.features);
  return new Set(features.filter(({ type }) => type === 'category').map(({ name }) => name));
}

function findWords(parts: readonly Part[], name: string): Set<string> {
  return new Set(parts.flatMap(({ table }) => countWords(table, name).map(([word]) => word)));
}

function findLabels(parts: readonly Part[]): Set<string> {
  const words = parts.filter(({ label }) => label.type === 'category');
  return words.length === 0 ? new Set() : findWords(words, words[0]!.label.name);
}

function removeKnown(words: ReadonlySet<string>, known: ReadonlySet<string> | undefined): string[] {
  return [...words].filter((word) => known?.has(word) !== true);
}

/**
 * Warns of words that the train rows of a batch have and those of the batches before it do not, and of new labels. They
 * are learnt. The first words of a column are not new.
 */
export function warnOfNewWords(
  before: Counts,
  now: Counts,
  batch: number,
  target: string,
): string[] {
  const warnings = now.train.columns.flatMap((column, i) => {
    const known = before.train.columns[i];
    if (column.type === 'number' || known?.type !== 'category' || known.words.length === 0)
      return [];
    const fresh = listNew(column.words, known.words);
    if (fresh.length === 0) return [];
    return [
      `batch ${batch} has ${quoteList(fresh)} in column ${quote(column.name)}, which no earlier train row has: learnt from this batch on`,
    ];
  });
  const labels = ({ train, test }: Counts): Tally => addWords(train.labels, test.labels);
  const known = labels(before);
  const fresh = known.length === 0 ? [] : listNew(labels(now), known);
  if (fresh.length === 0) return warnings;
  return [
    `batch ${batch} has ${quoteList(fresh)} in column ${quote(target)}, the target, which no earlier row has: a class from this batch on`,
    ...warnings,
  ];
}

function listNew(words: Tally, known: Tally): string[] {
  const before = new Set(known.map(([word]) => word));
  return words.flatMap(([word]) => (before.has(word) ? [] : [word]));
}
