import { CellRule } from '../csv/cells.ts';
import { quote, quoteList } from '../csv/quote.ts';
import type { Tally } from './tally.ts';

/** With more words a column holds names or texts, whose spellings say little. */
const MOST_WORDS = 10_000;

/** The number of groups of spellings that one warning shows. */
const MOST_GROUPS = 3;

const PLAIN = new CellRule({ missing: [] });

/**
 * Returns the one spelling of words that are the same number (`0`, `0.0`) or the same word in another case (`no`,
 * `NO`): the shortest form of the number, or lower case.
 */
export function normaliseWord(word: string, rule = PLAIN): string {
  const value = rule.looksNumeric(word) ? rule.readNumber(word) : undefined;
  return typeof value === 'number' ? String(value) : word.toLowerCase();
}

/** Finds words that have more than one spelling, as lists of spellings. */
function findSpellings(words: Tally): string[][] {
  if (words.length > MOST_WORDS) return [];
  const groups = new Map<string, string[]>();
  for (const [word] of words) {
    const one = normaliseWord(word);
    groups.set(one, [...(groups.get(one) ?? []), word]);
  }
  return [...groups.values()].filter(({ length }) => length > 1);
}

/** Warns of labels that are one number or one word, written in several ways: each way is a class. */
export function warnOfLabelSpellings(labels: Tally, target: string): string[] {
  const groups = findSpellings(labels);
  if (groups.length === 0) return [];
  return [
    `column ${quote(target)}, the target, has ${describe(groups)}: each is a class, so there are ${labels.length}; ` +
      'set data.labels.normalise=true to make them one, or correct the data',
  ];
}

/** Warns of words of a feature that are one number or one word, written in several ways. */
export function warnOfWordSpellings(words: Tally, name: string): string[] {
  const groups = findSpellings(words);
  if (groups.length === 0) return [];
  return [
    `column ${quote(name)} has ${describe(groups)}: the model reads them as different words; correct the data`,
  ];
}

function describe(groups: readonly string[][]): string {
  const shown = groups.slice(0, MOST_GROUPS).map((spellings) => {
    const isNumber = PLAIN.looksNumeric(spellings[0]!);
    return `${quoteList(spellings)}, which are one ${isNumber ? 'number' : 'word'}`;
  });
  const more = groups.length - MOST_GROUPS;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more such groups` : ''}`;
}
