import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partFromArrow, partToArrow } from '../../pipeline/features/arrow.ts';
import { labelsOf, wordCells } from '../../pipeline/features/part.ts';
import {
  csv,
  encode,
  iris,
  irisColumns,
  mixed,
  mixedColumns,
  mixedRows,
  sha256,
} from './support.ts';

const columns = [
  { name: 'id', type: 'ignore' },
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
] as const;
const table = csv('id,n,c,y\n1,1.50,b,p\n2,NA, a ,q\n3,-0,?,p\n4,7,a,\n');

describe('encodeBatch', () => {
  it('reads features as numbers and words, and leaves out rows without a label', () => {
    const { train, test, counts } = encode(table, columns, { testSize: 1e-12 });
    expect(test.rows).toBe(0);
    expect(train.columns).toEqual([
      { name: 'n', type: 'number', values: Float64Array.of(1.5, Number.NaN, 0) },
      { name: 'c', type: 'category', words: ['a', 'b'], codes: Int32Array.of(1, 0, -1) },
    ]);
    expect(labelsOf(train)).toEqual(['p', 'q', 'p']);
    expect(counts.unlabelled).toBe(1);
  });

  it('depends on nothing but the batch', () => {
    const again = encode(csv('id,n,c,y\n9,1.5,b ,p\n'), columns, { testSize: 1e-12 });
    expect(again.train.columns[1]).toMatchObject({ words: ['b'] });
  });

  it.each([
    [
      { key: ['customer'] },
      'BadParams',
      'split.key names column "customer", which batch 1 does not have, only "id", "n", "c", "y": mend the name',
    ],
    [
      { key: ['y'] },
      'BadParams',
      'split.key names "y", the column to predict, which would put whole classes on one side: choose columns that tell who or what a row is about',
    ],
    [
      { missingValues: [''] },
      'BadData',
      'batch 1, row 2 (line 3), column "n": "NA" is not a number; mend the cell, or start a new pipeline in which it may stand there (data.missing_values, data.columns)',
    ],
  ])('refuses %j', (options, name, sentence) => {
    expect(() => encode(table, columns, options)).toThrow(
      expect.objectContaining({ name, message: sentence }),
    );
  });

  it('names the first cell that is no number in the order of the file', () => {
    const numbers = [
      { name: 'n', type: 'number' },
      { name: 'm', type: 'number' },
      { name: 'y', type: 'category' },
    ] as const;
    const text = 'n,m,y\n1,1,p\n2,two,p\n3,3,p\nfour,4,p\n';
    expect(() => encode(csv(text), numbers)).toThrow(
      'batch 1, row 2 (line 3), column "m": "two" is not a number',
    );
  });

  it('has a feature that the batch lacks missing in every row', () => {
    const { train } = encode(csv('n,y\n1,p\n'), columns, { testSize: 1e-12 });
    expect(train.columns[1]).toEqual({
      name: 'c',
      type: 'category',
      words: [],
      codes: Int32Array.of(-1),
    });
  });

  it('refuses a batch without labels', () => {
    expect(() => encode(csv('n,c\n1,p\n'), columns)).toThrow('batch 1 lacks column "y"');
  });
});

describe('a part as Arrow', () => {
  it('reads back as the same part', () => {
    fc.assert(
      fc.property(mixedRows, (rows) => {
        const { train, test } = encode(mixed(rows), mixedColumns);
        expect(partFromArrow(partToArrow(train))).toEqual(train);
        expect(partFromArrow(partToArrow(test))).toEqual(test);
      }),
    );
  });

  it('never changes its bytes', () => {
    const { train, test } = encode(iris(), irisColumns, { target: 'species', testSize: 0.2 });
    expect(sha256(partToArrow(train))).toMatchInlineSnapshot(
      `"4c764e3e0172f94f132ec96e5bd77cc3b4ee0dd01f87102680f92f72b8a7fd23"`,
    );
    expect(sha256(partToArrow(test))).toMatchInlineSnapshot(
      `"c2363def756752be9746b49f6da9b23499266140f7cb4faf521b33ad0e1327c1"`,
    );
    const { train: small } = encode(table, columns, { testSize: 1e-12 });
    expect(sha256(partToArrow(small))).toMatchInlineSnapshot(
      `"bed2480702d25efdb88df22ab5751f1156ece9c11f33ae5aad75c5a68761a10d"`,
    );
  });

  it('sorts each dictionary by code point', () => {
    const cells = ['😀', '\uffff', 'z', 'a', 'a'];
    const text = `n,c,y\n${cells.map((cell, i) => `${i},${cell},p`).join('\n')}\n`;
    const { train } = encode(csv(text), columns.slice(1), { testSize: 1e-12 });
    const [, column] = partFromArrow(partToArrow(train)).columns;
    expect(column).toMatchObject({ words: ['a', 'z', '\uffff', '😀'] });
    expect(column?.type === 'category' && wordCells(column)).toEqual(cells);
  });

  it('refuses bytes that are no part', () => {
    expect(() => partFromArrow(new TextEncoder().encode('n,y\n1,p\n'), 'part 3')).toThrow(
      expect.objectContaining({ name: 'BadData' }),
    );
  });
});
