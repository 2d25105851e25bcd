import { describe, expect, it } from 'vitest';

import type { Counts } from '../../../pipeline/features/counts.ts';
import { warnOfSplit } from '../../../pipeline/features/split-warnings.ts';

const counts = (
  train: Record<string, number>,
  test: Record<string, number>,
  unlabelled = 0,
): Counts => {
  const side = (labels: Record<string, number>) => ({
    rows: Object.values(labels).reduce((a, b) => a + b, 0),
    labels: Object.entries(labels),
  });
  return { schema: 1, train: { ...side(train), columns: [] }, test: side(test), unlabelled };
};

describe('warnOfSplit', () => {
  it.each<[Counts, string[]]>([
    [counts({ a: 40, b: 40 }, { a: 10, b: 10 }), []],
    [counts({}, {}), ['version 3 has no labelled rows']],
    [
      counts({ a: 1, b: 1 }, {}),
      ['version 3 has no test rows, so it cannot be scored: add data or raise split.test_size'],
    ],
    [
      counts({}, { a: 1, b: 1 }),
      ['version 3 has no train rows, so nothing can be learnt: add data or lower split.test_size'],
    ],
    [
      counts({ a: 40, b: 40 }, { a: 10, c: 10 }),
      [
        'version 3 has no test row of class "b", so it is not scored',
        'version 3 has no train row of class "c", so it is never predicted',
      ],
    ],
    [
      counts({ a: 80 }, { a: 20 }),
      ['version 3 holds a single class (a), so every model predicts it correctly'],
    ],
    [
      counts({ a: 40, b: 20, c: 20 }, { a: 20 }),
      ['version 3 has no test row of classes "b", "c", so it is not scored'],
    ],
    [
      counts({ a: 80 }, { a: 10, b: 10 }),
      ['version 3 has no train row of class "b", so it is never predicted'],
    ],
    [
      counts({ a: 80 }, { b: 20 }),
      [
        'version 3 has no test row of class "a", so it is not scored',
        'version 3 has no train row of class "b", so it is never predicted',
      ],
    ],
    // Three standard deviations of the share of 100 rows are 12 %.
    [counts({ a: 49, b: 20 }, { a: 15, b: 16 }), []],
    [
      counts({ a: 47, b: 20 }, { a: 17, b: 16 }),
      [
        'version 3 has 33.0 % of its rows on the test side where split.test_size asks for 20.0 %; many equal rows, or a split.key with few values, do that',
      ],
    ],
    [
      counts({ a: 50, b: 50 }, { a: 50, b: 50 }),
      [
        'version 3 has 50.0 % of its rows on the test side where split.test_size asks for 20.0 %; many equal rows, or a split.key with few values, do that',
      ],
    ],
  ])('judges split %#', (given, expected) => {
    expect(warnOfSplit(given, 0.2, 'version 3')).toEqual(expected);
  });
});
