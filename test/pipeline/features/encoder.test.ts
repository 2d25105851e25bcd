import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeCounts } from '../../../pipeline/features/counts.ts';
import { encoderFromJson, encoderToJson, fitEncoder } from '../../../pipeline/features/encoder.ts';
import { applyEncoder, concatMatrices } from '../../../pipeline/features/matrix.ts';
import { csv, encode, iris, irisColumns, mixed, mixedColumns, mixedRows } from '../support.ts';

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
});
