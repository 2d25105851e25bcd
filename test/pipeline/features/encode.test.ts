import { readFileSync } from 'node:fs';
import { tableFromArrays, tableToIPC } from '@uwdata/flechette';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { parseDate } from '../../../pipeline/csv/dates.ts';
import { checkSliceColumns, checkSplitColumns } from '../../../pipeline/features/encode.ts';
import {
  countRows,
  dropRows,
  partFromArrow,
  partToArrow,
  readFeatures,
} from '../../../pipeline/features/part.ts';
import { encodePart } from '../../../pipeline/features/part-tasks.ts';
import {
  CELLS,
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

  it('gives labels one spelling where it is asked to, and leaves features as they are', () => {
    const { train, counts } = encode(csv('n,c,y\n1,NO,NO\n2,no,no\n3,1.0,\n'), columns, {
      testSize: 1e-12,
      normaliseLabels: true,
    });
    expect(cellsOf(train)).toMatchObject({ c: ['NO', 'no'], y: ['no', 'no'] });
    expect(counts.unlabelled).toBe(1);
  });

  it.each([
    ['a column that is no feature', 'id'],
    ['numbers, in any spelling', 'n'],
  ])('keeps rows with the same key on one side: %s', (_, key) => {
    const rows = Array.from({ length: 30 }, (_row, i) => `${i},${i},a,p\n${i},${i}.0,b,p\n`);
    const { train, test } = encode(csv(`id,n,c,y\n${rows.join('')}`), columns, {
      key: [key],
      testSize: 0.5,
    });
    const [learnt, held] = [train, test].map((part) => new Set(cellsOf(part)['n']));
    expect([learnt!.size + held!.size, Math.min(learnt!.size, held!.size) > 5]).toEqual([30, true]);
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

const DATE_PARTS = ['year', 'month', 'day', 'weekday', 'hour'] as const;

describe('a column of dates', () => {
  const dated: Column[] = [
    { name: 'd', type: 'date' },
    { name: 'n', type: 'number' },
    { name: 'y', type: 'category' },
  ];
  const rows = Array.from(
    { length: 80 },
    (_, i) => `2024-0${1 + (i % 9)}-1${i % 7}T1${i % 5}:30,${i},p`,
  );
  const text = `d,n,y\n${rows.join('\n')}\n`;

  it('is its days and the parts that are asked for, missing where its cell is', () => {
    const { train } = encode(csv('d,n,y\n2024-03-05T23:30,1,p\n1969-12-31,2,p\n'), dated, {
      testSize: 1e-12,
      dateParts: DATE_PARTS,
    });
    expect(train.features.map(({ name, type }) => [name, type])).toEqual(
      ['d', ...DATE_PARTS.map((part) => `d.${part}`), 'n'].map((name) => [name, 'number']),
    );
    expect(cellsOf(train)).toEqual({
      d: [parseDate('2024-03-05T23:30'), -1],
      'd.year': [2024, 1969],
      'd.month': [3, 12],
      'd.day': [5, 31],
      'd.weekday': [1, 2],
      'd.hour': [23, 0],
      n: [1, 2],
      y: ['p', 'p'],
    });
    const missing = encode(csv('d,n,y\nNA,1,p\n2024-03-05,2,p\n'), dated, {
      testSize: 1e-12,
      dateParts: ['month'],
    });
    expect(cellsOf(missing.train)).toMatchObject({
      d: [null, parseDate('2024-03-05')],
      'd.month': [null, 3],
    });
  });

  it('does not move a row to the other side by its parts', () => {
    const numbersOf = (dateParts: typeof DATE_PARTS | []) =>
      cellsOf(encode(csv(text), dated, { dateParts }).test)['n'];
    expect(numbersOf([])!.length).toBeGreaterThan(0);
    expect(numbersOf(DATE_PARTS)).toEqual(numbersOf([]));
  });

  it('is refused where a cell is no date', () => {
    expect(() => encode(csv('d,n,y\n2024-03-05,1,p\n5.3.2024,2,p\n'), dated)).toThrow(
      'batch 1, row 2 (line 3), column "d": "5.3.2024" is not a date',
    );
  });
});

it('a batch of several blocks keeps all its rows, in their order', () => {
  const id = 'x'.repeat(100);
  const rows = Array.from(
    { length: 3000 },
    (_, i) => `${id},${i},${i % 3 ? i : ''},word ${i % 7},p`,
  );
  const { train } = encode(csv(`id,n,m,c,y\n${rows.join('\n')}\n`), mixedColumns, {
    testSize: 1e-12,
  });
  const { n, m, c } = cellsOf(train);
  expect(n).toEqual(rows.map((_, i) => i));
  expect(m).toEqual(rows.map((_, i) => (i % 3 ? i : null)));
  expect(c).toEqual(rows.map((_, i) => `word ${i % 7}`));
});

it('rows without a label or a time are counted in warnings', () => {
  const encodeRows = (text: string, timeColumn: string | null) =>
    encodePart({
      bytes: Buffer.from(text),
      file: 'batch 1',
      columns: [...columns],
      target: 'y',
      cells: CELLS,
      testSize: 0.5,
      key: null,
      timeColumn,
    });
  const text = 'id,n,c,y\n1,1,a,p\n2,NA,a,\n3,NA,b,q\n4,4,b,\n5,5,b,q\n';
  expect(encodeRows(text, 'n')).toMatchObject({
    trainRows: 1,
    testRows: 2,
    warnings: ['2 rows without a label are left out', '1 rows without a time are train rows'],
  });
  expect(encodeRows('id,n,c,y\n1,1,a,p\n2,2,a,q\n', 'n').warnings).toEqual([]);
});

describe('the columns that params name', () => {
  const file = { target: 'y', file: 'rows.csv' };

  it.each([
    [
      { key: ['c', 'x'], timeColumn: null },
      'split.key names column "x", which rows.csv does not have',
    ],
    [{ key: null, timeColumn: 'x' }, 'split.time_column names column "x", which rows.csv does not'],
    [{ key: null, timeColumn: 'y' }, 'split.time_column names "y", the target'],
  ])('are checked before a pipeline begins: split by %j', (split, sentence) => {
    expect(() => checkSplitColumns(columns, split, file)).toThrow(sentence);
  });

  it.each([
    { key: ['id', 'c'], timeColumn: 'n' },
    { key: null, timeColumn: null },
  ])('may be any but the target where rows are split: %j', (split) => {
    expect(() => checkSplitColumns(columns, split, file)).not.toThrow();
  });

  it('are features, or may become one, where the gate splits by them', () => {
    const open: Column[] = [...columns, { name: 'later', type: 'ignore', open: true }];
    const check = (...slices: string[]) =>
      checkSliceColumns([...open, { name: 'd', type: 'date' }], slices, {
        target: 'y',
        dateParts: ['month'],
      });
    expect(() => check('n', 'c', 'later', 'd.month')).not.toThrow();
    expect(() => check()).not.toThrow();
    expect(() => check('n', 'y', 'id', 'd.year')).toThrow(
      'gate.slices names "y", "id", "d.year", which is no feature of the model, only "n", "c", "d", "d.month": name features in params.yaml',
    );
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
    const { test: none } = encode(table, columns, { testSize: 1e-12 });
    expect(sha256(partToArrow(none))).toMatchInlineSnapshot(
      `"6bab1f96ffb35d5bca8b53e0400846c3e1ea26bb5a83ababaec519eca67c6b35"`,
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

  it.each(Object.entries({ partFromArrow, countRows, readFeatures }))(
    'refuses bytes that are no part, by %s',
    (_, read) => {
      const bytes = new TextEncoder().encode('n,y\n1,p\n');
      expect(() => read(bytes)).toThrow(
        expect.objectContaining({
          name: 'BadData',
          message: expect.stringMatching(/^the encoded part is not Arrow .*: preprocess the batch/),
        }),
      );
    },
  );

  it('refuses Arrow without a label, or without a record batch', () => {
    const write = (names: string[]) =>
      tableToIPC(tableFromArrays(Object.fromEntries(names.map((name) => [name, []]))), {
        format: 'file',
      })!;
    expect(() => partFromArrow(write([]), 'part 3')).toThrow(
      'part 3 does not end with a label column: preprocess the batch again',
    );
    expect(() => partFromArrow(write(['y']), 'part 3')).toThrow(
      'part 3 holds no record batch: preprocess the batch again',
    );
  });

  it('has its features without the label, and loses the rows with a flag', () => {
    const { train } = encode(table, columns, { testSize: 1e-12 });
    const { rows, features } = readFeatures(partToArrow(train));
    expect([rows, features.map(({ name }) => name)]).toEqual([3, ['n', 'c']]);
    expect(cellsOf(dropRows(train, Uint8Array.of(0, 1, 0)))).toMatchObject({ n: [1.5, 0] });
    expect(dropRows(train, Uint8Array.of(0, 0, 0))).toBe(train);
  });
});
