import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeCounts } from '../../../pipeline/features/counts.ts';
import type { Column } from '../../../pipeline/batches/columns.ts';
import {
  encoderFromJson,
  encoderToJson,
  fitEncoder,
  listDateParts,
} from '../../../pipeline/features/encoder.ts';
import {
  applyEncoder,
  applyWithRows,
  concatMatrices,
  loadRows,
  type Matrix,
  warnOfDropped,
} from '../../../pipeline/features/matrix.ts';
import { partToArrow } from '../../../pipeline/features/part.ts';
import {
  cellsOf,
  csv,
  encode,
  iris,
  irisColumns,
  mixed,
  mixedColumns,
  mixedRows,
} from '../support.ts';

const columns = [
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
] as const;
const all = { testSize: 1e-12 };
const part = (text: string) => encode(csv(`n,c,y\n${text}`), columns, all);
const fit = (text: string, missing: 'impute' | 'drop' = 'impute') =>
  fitEncoder(part(text).counts, columns, 'y', { missing });

describe('fitEncoder', () => {
  it('takes medians, sorted categories, frequent words and classes from the train rows', () => {
    expect(fit('1,b,q\n2,a,p\n4,b,p\n9,NA,q\nNA,a,q\n').encoder).toEqual({
      schema: 2,
      target: 'y',
      missing: 'impute',
      unseen: 'missing',
      classes: ['p', 'q'],
      features: [
        { name: 'n', type: 'number', median: 3 },
        { name: 'c', type: 'category', categories: ['a', 'b'], most_frequent: 'a' },
      ],
    });
  });

  it('finds the median of large values', () => {
    expect(fit('1e308,a,p\n1.5e308,a,q\n').encoder.features[0]).toMatchObject({ median: 1.25e308 });
    expect(fit('5e-324,a,p\n').encoder.features[0]).toMatchObject({ median: 5e-324 });
  });

  it('takes the medians of dates, and of the parts that are asked for', () => {
    const dated = [
      { name: 'd', type: 'date' },
      { name: 'y', type: 'category' },
    ] as const;
    const fitDates = (dateParts?: readonly ['month']) => {
      const batch = encode(csv('d,y\n1970-03-01,p\n1970-03-03,q\n'), dated, { ...all, dateParts });
      return fitEncoder(batch.counts, dated, 'y', { missing: 'impute', dateParts }).encoder;
    };
    const whole = { name: 'd', type: 'date', median: 60 };
    expect(fitDates().features).toEqual([whole]);
    const withMonth = fitDates(['month']);
    expect(withMonth.features).toEqual([
      whole,
      { name: 'd.month', type: 'date', median: 3, from: 'd', part: 'month' },
    ]);
    expect(listDateParts(withMonth)).toEqual(['d.month']);
    expect(listDateParts(fit('1,a,p\n').encoder)).toEqual([]);
  });

  it('learns the words and labels of a vocabulary alone', () => {
    const vocabulary = {
      words: new Map([['c', new Set(['a'])]]),
      labels: new Set(['q', 'p', 'never seen']),
    };
    const { encoder } = fitEncoder(part('1,a,p\n2,b,q\n3,b,other\n').counts, columns, 'y', {
      missing: 'impute',
      vocabulary,
    });
    expect(encoder).toMatchObject({
      classes: ['p', 'q'],
      labels: ['never seen', 'p', 'q'],
      features: [{ median: 2 }, { categories: ['a'], most_frequent: 'a' }],
    });
  });

  it('warns of words and labels that are written in several ways', () => {
    expect(fit('1,A,p\n2,a,P\n').warnings).toEqual([
      expect.stringMatching(/^column "y", the target, has "P", "p", which are one word: each is/),
      'column "c" has "A", "a", which are one word: the model reads them as different words; correct the data',
    ]);
  });

  it('warns of columns without any value, and works', () => {
    const { encoder, warnings } = fit('NA,?,p\n,,q\n');
    expect(warnings).toEqual([
      'column "n" is missing in every train row, so the model learns nothing from it',
      'column "c" is missing in every train row, so the model learns nothing from it',
    ]);
    const matrix = applyEncoder(encoder, part('NA,a,p\n3,,q\n').train);
    expect(matrix.columns).toEqual([Float64Array.of(0, 3), Float64Array.of(-1, -1)]);
  });

  it('refuses to fit on no rows', () => {
    const { counts } = encode(csv('n,c,y\n1,a,p\n'), columns, { testSize: 1 });
    expect(() => fitEncoder(counts, columns, 'y', { missing: 'impute' })).toThrow(
      expect.objectContaining({
        name: 'BadData',
        message: 'there are no train rows to fit an encoder on: lower split.test_size or add data',
      }),
    );
  });

  it('refuses counts of other columns', () => {
    const { counts } = encode(iris(), irisColumns, { target: 'species' });
    expect(() => fitEncoder(counts, columns, 'y', { missing: 'impute' })).toThrow(
      'where the schema has "n", "c": preprocess the batches again',
    );
  });

  const label: Column = { name: 'y', type: 'category' };
  const number: Column = { name: 'n', type: 'number' };
  it.each<[string, Column[]]>([
    ['of another type', [{ ...number, type: 'category' }, { name: 'c', type: 'category' }, label]],
    ['of another name', [number, { name: 'other', type: 'category' }, label]],
    ['fewer', [number, label]],
  ])('refuses counts of columns that are %s', (_, others) => {
    const { counts } = encode(csv('n,c,other,y\n1,a,b,p\n'), others, all);
    expect(() => fitEncoder(counts, columns, 'y', { missing: 'impute' })).toThrow(
      'where the schema has "n", "c": preprocess the batches again',
    );
  });

  it('does not depend on the order of rows or how they fell into batches', () => {
    fc.assert(
      fc.property(mixedRows, mixedRows, fc.gen(), (a, b, gen) => {
        const rows = [...a, ...b, ['0', '1', '1', 'a', 'p']];
        const whole = encode(mixed(rows), mixedColumns, all).counts;
        const shuffled = gen(() => fc.shuffledSubarray(rows, { minLength: rows.length }));
        const cut = gen(() => fc.integer({ min: 1, max: rows.length - 1 }));
        const pieces = [shuffled.slice(0, cut), shuffled.slice(cut)].map(
          (piece) => encode(mixed(piece), mixedColumns, all).counts,
        );
        const merged = mergeCounts(pieces[0]!, pieces[1]!);
        const bytes = (counts: typeof whole) =>
          encoderToJson(fitEncoder(counts, mixedColumns, 'y', { missing: 'impute' }).encoder);
        expect(bytes(merged)).toEqual(bytes(whole));
      }),
    );
  });

  it('reads back from its bytes', () => {
    const { encoder } = fit('1,b,q\n2,a,p\n');
    expect(encoderFromJson(encoderToJson(encoder))).toEqual(encoder);
  });
});

describe('applyEncoder', () => {
  const text = '1,b,q\n2,a,p\n4,b,p\n';
  const later = part('NA,b,p\n5,new,q\n6,,s\n7,a,p\n').train;

  it('imputes missing cells, and unseen words as missing cells', () => {
    const { encoder } = fit(text);
    const matrix = applyEncoder(encoder, later);
    const rows = { rows: 4, names: ['n', 'c'], labels: ['p', 'q', 's', 'p'], dropped: 0 };
    const n = Float64Array.of(2, 5, 6, 7);
    expect(matrix).toEqual({ ...rows, columns: [n, Float64Array.of(1, 1, 1, 0)] });
    // An encoder of an earlier program keeps its meaning.
    const { unseen: _, ...earlier } = encoder;
    const before = applyEncoder({ ...earlier, schema: 1 }, later);
    expect(before).toEqual({ ...rows, columns: [n, Float64Array.of(1, -1, 1, 0)] });
  });

  it('drops rows with missing cells when asked to, and those with unseen words', () => {
    expect(applyEncoder(fit(text, 'drop').encoder, later)).toEqual({
      rows: 1,
      names: ['n', 'c'],
      columns: [Float64Array.of(7), Float64Array.of(0)],
      labels: ['p'],
      dropped: 3,
    });
  });

  it('refuses a part of other columns', () => {
    const { train } = encode(iris(), irisColumns, { target: 'species' });
    expect(() => applyEncoder(fit(text).encoder, train)).toThrow(
      expect.objectContaining({
        name: 'BadData',
        message:
          'the part has columns "sepal_length (number)", "sepal_width (number)", "petal_length (number)", ' +
          '"petal_width (number)" where the encoder has "n (number)", "c (category)": preprocess the batch again',
      }),
    );
    const { features, ...rest } = later;
    const swapped = { ...rest, features: [features[0]!, { name: 'c', type: 'number' as const }] };
    expect(() => applyEncoder(fit(text).encoder, swapped)).toThrow('the part has columns');
  });
});

describe('matrices', () => {
  it('encode to the same rows whole or in batches', () => {
    fc.assert(
      fc.property(mixedRows, mixedRows, fc.constantFrom('impute', 'drop'), (a, b, missing) => {
        const row = ['0', '1', '1', 'a', 'p'];
        const whole = encode(mixed([row, ...a, ...b]), mixedColumns, all);
        const { encoder } = fitEncoder(whole.counts, mixedColumns, 'y', { missing });
        const pieces = [[row, ...a], b].map((rows) =>
          applyEncoder(encoder, encode(mixed(rows), mixedColumns, all).train),
        );
        expect(
          concatMatrices(
            pieces,
            pieces.reduce((sum, { rows }) => sum + rows, 3),
          ),
        ).toEqual(applyEncoder(encoder, whole.train));
      }),
    );
  });

  it('say which rows of the part they hold', () => {
    fc.assert(
      fc.property(mixedRows, fc.constantFrom('impute', 'drop'), (rows, missing) => {
        const row = ['0', '1', '1', 'a', 'p'];
        const { train, counts } = encode(mixed([row, ...rows]), mixedColumns, all);
        const { encoder } = fitEncoder(counts, mixedColumns, 'y', { missing });
        const { kept, ...matrix } = applyWithRows(encoder, train);
        expect(matrix).toEqual(applyEncoder(encoder, train));
        const whole = cellsOf(train);
        const isKept = (i: number): boolean =>
          missing === 'impute' || ['n', 'm', 'c'].every((name) => whole[name]![i] !== null);
        expect([...kept]).toEqual([...whole['y']!.keys()].filter(isKept));
      }),
    );
  });

  const { encoder } = fit('1,a,p\n2,b,q\n', 'drop');
  const texts = ['1,a,p\nNA,a,q\n3,b,p\n', '4,b,q\n', '5,,p\n6,a,q\n'];
  const bytesOf = () => texts.map((text) => partToArrow(part(text).train));
  const numbersOf = (matrix: Matrix | undefined) => [...matrix!.columns[0]!];

  it('are read part by part, with the rows of each and what is done', () => {
    const parts = bytesOf();
    const done: number[] = [];
    const {
      all: rows,
      sizes,
      last,
    } = loadRows(parts, encoder, { report: (share) => done.push(share) });
    expect(numbersOf(rows)).toEqual([1, 3, 4, 6]);
    expect(rows).toMatchObject({ rows: 4, labels: ['p', 'p', 'q', 'q'], dropped: 2 });
    expect(sizes).toEqual([2, 1, 1]);
    expect(numbersOf(last)).toEqual([6]);
    expect(done).toEqual([1 / 3, 2 / 3, 1].map((share) => expect.closeTo(share) as number));
    expect(parts).toEqual([]);
  });

  it('are in memory that threads share', () => {
    const [column] = loadRows(bytesOf(), encoder).all.columns;
    expect(column!.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('leave out the rows with a flag of each part', () => {
    const leftOut = [Uint8Array.of(1, 0, 0), Uint8Array.of(0), Uint8Array.of(0, 1)];
    const { all: rows, sizes, last } = loadRows(bytesOf(), encoder, { leftOut });
    expect(numbersOf(rows)).toEqual([3, 4]);
    expect(sizes).toEqual([1, 1, 0]);
    expect(last).toMatchObject({ rows: 0, dropped: 1 });
  });

  it('have the numbers of a regression in place of labels', () => {
    const numeric = [
      { name: 'n', type: 'number' },
      { name: 'y', type: 'number' },
    ] as const;
    const { train, counts } = encode(csv('n,y\n1,10\n2,20\n'), numeric, all);
    const fitted = fitEncoder(counts, numeric, 'y', { missing: 'impute' }).encoder;
    expect(fitted).not.toHaveProperty('classes');
    const two = [train, train].map(partToArrow);
    expect(loadRows(two, fitted).all).toMatchObject({
      rows: 4,
      labels: [],
      targets: Float64Array.of(10, 20, 10, 20),
    });
  });

  it('are reported where rows are left out', () => {
    const matrix = loadRows(bytesOf(), encoder).all;
    expect(warnOfDropped(matrix, 'test')).toEqual(['2 test rows with a missing cell are left out']);
    expect(warnOfDropped({ ...matrix, dropped: 0 }, 'train')).toEqual([]);
  });
});
