import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countRows, partFromArrow, partToArrow } from '../../../pipeline/features/part.ts';
import {
  cellsOf,
  csv,
  encode,
  iris,
  irisColumns,
  mixed,
  mixedColumns,
  mixedRows,
  sha256,
} from '../support.ts';

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
    expect(test.table.numRows()).toBe(0);
    expect(train.features).toEqual([
      { name: 'n', type: 'number' },
      { name: 'c', type: 'category' },
    ]);
    expect(cellsOf(train)).toEqual({ n: [1.5, null, 0], c: ['b', 'a', null], y: ['p', 'q', 'p'] });
    expect(counts.unlabelled).toBe(1);
  });

  it.each([
    [
      { key: ['customer'] },
      'BadParams',
      'split.key names column "customer", which batch 1 does not have, only "id", "n", "c", "y": correct the name',
    ],
    [
      { key: ['y'] },
      'BadParams',
      'split.key names "y", the target, which would put whole classes on one side: choose columns that identify who or what a row is about',
    ],
    [
      { cells: { missing: [''] } },
      'BadData',
      'batch 1, row 2 (line 3), column "n": "NA" is not a number; correct the cell, or start a new pipeline that allows it (data.missing_values, data.columns)',
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
    expect(train.features[1]).toEqual({ name: 'c', type: 'category' });
    expect(cellsOf(train)).toMatchObject({ c: [null] });
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
        for (const part of [train, test]) {
          const bytes = partToArrow(part);
          const { features, label } = part;
          const again = partFromArrow(bytes);
          expect(again).toMatchObject({ features, label });
          expect(cellsOf(again)).toEqual(cellsOf(part));
          expect(countRows(bytes)).toBe(part.table.numRows());
        }
      }),
    );
  });

  it('never changes its bytes', () => {
    const { train, test } = encode(iris(), irisColumns, { target: 'species', testSize: 0.2 });
    expect(sha256(partToArrow(train))).toMatchInlineSnapshot(
      `"3770caa4a3b6797e004c0d5bc2968d206f4814956386e5e67be57bf231abaf15"`,
    );
    expect(sha256(partToArrow(test))).toMatchInlineSnapshot(
      `"36bb330b38602089f0f5f0fd3d4d738198351d38c79b79f7289611d9b1384177"`,
    );
    const { train: small } = encode(table, columns, { testSize: 1e-12 });
    expect(sha256(partToArrow(small))).toMatchInlineSnapshot(
      `"7443fbccdfd3976afa861cc967b978a6765cd4e94bb37206dcbc7a65ff7a3891"`,
    );
  });

  it('is read as well when encode_part of code 1 wrote it', () => {
    const read = (name: string) =>
      partFromArrow(readFileSync(new URL(`../fixtures/${name}.1.arrow`, import.meta.url)));
    const cells = { n: [1.5, null, 0, 7], c: ['b', 'a', null, 'é'], y: ['p', 'q', 'p', 'q'] };
    expect(cellsOf(read('part'))).toEqual(cells);
    expect(cellsOf(read('empty-part'))).toEqual({ n: [], c: [], y: [] });
    expect(read('part').features).toEqual(columns.slice(1, 3));
  });

  it('refuses bytes that are no part', () => {
    expect(() => partFromArrow(new TextEncoder().encode('n,y\n1,p\n'), 'part 3')).toThrow(
      expect.objectContaining({ name: 'BadData' }),
    );
  });
});
