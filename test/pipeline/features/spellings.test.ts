import { describe, expect, it } from 'vitest';
import { CellRule } from '../../../pipeline/csv/cells.ts';
import {
  normaliseWord,
  warnOfLabelSpellings,
  warnOfWordSpellings,
} from '../../../pipeline/features/spellings.ts';

const tally = (...words: string[]) => words.map((word) => [word, 1] as const);

describe('spellings of one word', () => {
  it.each([
    ['1.0', '1'],
    ['+1', '1'],
    ['1e3', '1000'],
    ['NO', 'no'],
    ['Größe', 'größe'],
    // A code is no number: 007 and 7 are two.
    ['007', '007'],
    ['1,0', '1,0'],
  ])('%j becomes %j', (word, normal) => {
    expect(normaliseWord(word)).toBe(normal);
  });

  it('are read by the rule of the pipeline', () => {
    const rule = new CellRule({ missing: ['-1'], decimal: ',' });
    expect(['1,0', '1.0', '-1', 'A'].map((word) => normaliseWord(word, rule))).toEqual([
      '1',
      '1.0',
      '-1',
      'a',
    ]);
  });

  it('are named with what they are, three groups at most', () => {
    const words = tally('1', '1.0', 'A', 'B', 'No', 'a', 'no', 'other');
    const three =
      '"1", "1.0", which are one number; "A", "a", which are one word; "No", "no", which are one word';
    expect(warnOfWordSpellings(words, 'w')).toEqual([
      `column "w" has ${three}: the model reads them as different words; correct the data`,
    ]);
    expect(warnOfLabelSpellings([...words, ...tally('b', 'Other')], 'y')).toEqual([
      'column "y", the target, has "1", "1.0", which are one number; "A", "a", which are one word; "B", "b", which are one word; ' +
        'and 2 more such groups: each is a class, so there are 10; set data.labels.normalise=true to make them one, or correct the data',
    ]);
  });

  it('are not looked for where there are none, or more than 10 000 words', () => {
    expect(warnOfWordSpellings(tally('a', 'b', '1', '2'), 'w')).toEqual([]);
    expect(warnOfLabelSpellings(tally('a', 'b'), 'y')).toEqual([]);
    const many = Array.from({ length: 9998 }, (_, i) => `word ${i}`);
    expect(warnOfWordSpellings(tally('A', 'a', ...many), 'w')).toHaveLength(1);
    expect(warnOfWordSpellings(tally('A', 'a', 'b', ...many), 'w')).toEqual([]);
  });
});
