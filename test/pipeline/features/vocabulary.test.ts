import { describe, expect, it } from 'vitest';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { countsToJson } from '../../../pipeline/features/counts.ts';
import { addCounts } from '../../../pipeline/features/part-tasks.ts';
import {
  type BatchParts,
  collectVocabulary,
  findNewWords,
  warnOfNewWords,
} from '../../../pipeline/features/vocabulary.ts';
import { csv, encode } from '../support.ts';

const columns: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'e', type: 'category' },
  { name: 'y', type: 'category' },
];
const wider: Column[] = [...columns, { name: 'w', type: 'category', since: 2 }];

/** A batch with rows on both sides. */
function read(batch: number, text: string, known = columns): BatchParts {
  const header = known.map(({ name }) => name);
  const part = (rows: string) =>
    encode(csv(`${header.join()}\n${rows}`), known, { testSize: 1e-12 });
  return { batch, parts: text.split('\n\n').map((rows) => part(rows).train) };
}

describe('the vocabulary of a pipeline', () => {
  const first = read(1, '1,a,,p\n2,NA,,q\n\n3,b,,r\n');
  const second = read(2, '1,c,x,s,u\n\n2,d,,t,v\n', wider);

  it('has the words of both sides of the batch that began a column, and the first labels', () => {
    expect(collectVocabulary([first, second], wider)).toEqual({
      words: new Map([
        ['c', new Set(['a', 'b'])],
        ['e', new Set()],
        ['w', new Set(['u', 'v'])],
      ]),
      labels: new Set(['p', 'q', 'r']),
    });
  });

  it('has no labels where the target is a number', () => {
    const numeric: Column[] = [
      { name: 'c', type: 'category' },
      { name: 'y', type: 'number' },
    ];
    const one = read(1, 'a,1\n', numeric);
    const known = collectVocabulary([one], numeric);
    expect(known).toEqual({ words: new Map([['c', new Set(['a'])]]), labels: new Set() });
    expect(findNewWords(known, read(2, 'a,7\n', numeric), 'fail')).toEqual([]);
  });

  it('names each column that has other words, the target last', () => {
    const known = collectVocabulary([first], columns);
    expect(findNewWords(known, read(2, '1,b,,p\n\n9,a,,r\n'), 'ignore')).toEqual([]);
    expect(() => findNewWords(known, second, 'fail')).toThrow(
      expect.objectContaining({
        name: 'BadData',
        message:
          'batch 2 has "c", "d" in column "c", which the first batch does not have: correct the cells, or set data.on_new_category to ignore or adapt',
      }),
    );
    expect(findNewWords(known, second, 'ignore')[2]).toBe(
      'batch 2 has "u", "v" in column "w", not known from the first batch: the model reads them as missing',
    );
    expect(findNewWords(known, read(2, '1,b,x,p\n\n9,z,,new\n'), 'ignore')).toEqual([
      'batch 2 has "z" in column "c", not known from the first batch: the model reads them as missing',
      'batch 2 has "x" in column "e", not known from the first batch: the model reads them as missing',
      'batch 2 has "new" in column "y", not known from the first batch: rows with such a label are left out',
    ]);
  });
});

describe('words that are learnt from a batch on', () => {
  const count = (text: string, known = columns) =>
    encode(csv(`${known.map(({ name }) => name).join()}\n${text}`), known, { testSize: 1e-12 })
      .counts;
  const before = count('1,a,,p\n2,b,,q\n');

  it('are named by column, new classes first', () => {
    const now = count('1,a,x,p\n3,z,,new\n');
    expect(warnOfNewWords(before, now, 2, 'y')).toEqual([
      'batch 2 has "new" in column "y", the target, which no earlier row has: a class from this batch on',
      'batch 2 has "z" in column "c", which no earlier train row has: learnt from this batch on',
    ]);
    expect(warnOfNewWords(before, count('1,b,,q\n'), 2, 'y')).toEqual([]);
  });

  it('are named with the batch that has them first', () => {
    const batches = ['1,a,,p\n', '2,b,,p\n', '3,b,,q\n'].map((rows) => countsToJson(count(rows)));
    const added = (counts: Uint8Array[]) => addCounts({ counts, until: 7, target: 'y' }).warnings;
    expect(added(batches)).toEqual([
      expect.stringMatching(/^batch 6 has "b" in column "c"/),
      expect.stringMatching(/^batch 7 has "q" in column "y"/),
    ]);
  });

  it('are not the first ones of a column, nor of the target', () => {
    expect(warnOfNewWords(before, count('1,a,,p,u\n', wider), 2, 'y')).toEqual([]);
    expect(warnOfNewWords(count('1,a,,\n'), count('1,,,p\n'), 2, 'y')).toEqual([]);
  });

  it('are looked for among the labels of test rows too', () => {
    const { train, test, ...rest } = before;
    const held = {
      ...rest,
      train: { ...train, labels: [] },
      test: { ...test, labels: train.labels },
    };
    expect(warnOfNewWords(held, before, 2, 'y')).toEqual([]);
    expect(warnOfNewWords(before, held, 2, 'y')).toEqual([]);
  });
});
