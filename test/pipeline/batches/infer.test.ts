import { describe, expect, it } from 'vitest';
import { type ColumnOptions, inferColumns } from '../../../pipeline/batches/infer.ts';
import { CsvReader } from '../../../pipeline/csv/reader.ts';
import { makeNumberCheck } from '../../../pipeline/batches/check-numbers.ts';
import { checkHeader } from '../../../pipeline/batches/conform.ts';
import { irisBytes, irisColumns, CELLS } from '../support.ts';

const options: ColumnOptions = { target: 'y', declared: {}, cells: CELLS, task: 'classification' };
const infer = (text: string, more: Partial<ColumnOptions> = {}) =>
  inferColumns(new CsvReader([Buffer.from(text)], 'data.csv'), { ...options, ...more });
const typeOf = (cells: string[], more: Partial<ColumnOptions> = {}) => {
  const text = cells.map((cell, i) => `${cell},f,${'pq'[i % 2]}`).join('\n');
  return infer(`x,other,y\n${text}\n`, more).columns[0]!.type;
};

describe('inferColumns', () => {
  it('reads Iris as four numbers and a category', () => {
    const found = inferColumns(new CsvReader([irisBytes()], 'iris.csv'), {
      ...options,
      target: 'species',
    });
    expect(found).toEqual({ columns: irisColumns, warnings: [] });
  });

  it.each([
    [['1', '2.5', '-3', '+.5', '1e-3', ' 7 ', '0', '0.10', 'NA', '']],
    [['1.', '-0', '1E5']],
  ])('takes %j for numbers', (cells) => {
    expect(typeOf(cells)).toBe('number');
  });

  it.each([
    [['00123', '456']],
    [['0x10', '1']],
    [['Infinity', '1']],
    [['1e999', '1']],
    [['1,5', '1'].map((cell) => `"${cell}"`)],
    [['12345678901234567890', '1']],
    [['1 2', '1']],
    [['none', '1']],
  ])('takes %j for words', (cells) => {
    expect(typeOf(cells)).toBe('category');
  });

  it('looks at every row', () => {
    expect(typeOf([...Array.from({ length: 5000 }, String), 'abc'])).toBe('category');
  });

  it('takes a declaration over what it sees', () => {
    expect(typeOf(['08', '10'], { declared: { x: 'number' } })).toBe('number');
    expect(typeOf(['1', '2'], { declared: { x: 'category' } })).toBe('category');
  });

  it('is not misled by a column named as a method of objects', () => {
    expect(infer('constructor,toString,y\n1,a,p\n2,b,q\n').columns).toEqual([
      { name: 'constructor', type: 'number' },
      { name: 'toString', type: 'category' },
      { name: 'y', type: 'category' },
    ]);
  });

  it('says where text is among numbers, because it makes the column one of words', () => {
    const { columns, warnings } = infer('x,z,y\n1,1,p\n2,2,q\nabc,3,p\n4,4,q\n');
    expect(columns[0]).toEqual({ name: 'x', type: 'category' });
    expect(warnings.join()).toMatch(/column "x" is mostly numbers, but line 4 holds "abc"/);
  });

  it('ignores a column without values, and says so', () => {
    expect(infer('x,z,y\nNA,1,p\n,2,q\n')).toEqual({
      columns: [
        { name: 'x', type: 'ignore', open: true },
        { name: 'z', type: 'number' },
        { name: 'y', type: 'category' },
      ],
      warnings: [
        'data.csv: column "x" holds no known value, and is left out until a later batch has one',
      ],
    });
  });

  it('cuts the name of a column that is longer than a line', () => {
    const rows = Array.from({ length: 30 }, (_, i) => `n${i},${i % 3},${'pq'[i % 2]}`);
    const [warning] = infer(`${'c'.repeat(5_000)},z,y\n${rows.join('\n')}\n`).warnings;
    expect(warning).toContain(`declare data.columns.${'c'.repeat(100)}…: ignore`);
    expect(warning!.length).toBeLessThan(400);
  });

  it('warns of a column of names', () => {
    const rows = Array.from({ length: 30 }, (_, i) => `n${i},${i % 3},${'pq'[i % 2]}`);
    expect(infer(`x,z,y\n${rows.join('\n')}\n`).warnings).toEqual([
      'data.csv: column "x" holds a different word in every row, as a key does; declare data.columns.x: ignore unless it is a feature',
    ]);
  });

  it('warns of a target with one class, and of one that is a quantity', () => {
    expect(infer('x,y\n1,p\n2,p\n').warnings).toEqual([
      'data.csv: every label in "y" is "p", so every model predicts that value',
    ]);
    expect(infer('x,y\n1,1\n2,2\n', { declared: { y: 'number' } }).warnings).toEqual([
      'data.columns declares "y" of data.csv a number, but it is the target and each of its values is a class; a new pipeline with model.task: regression predicts the number',
    ]);
    const rows = Array.from({ length: 30 }, (_, i) => `${i % 3},${i}.5`);
    expect(infer(`x,y\n${rows.join('\n')}\n`).warnings[0]).toBe(
      'data.csv: "y" holds 30 different numbers in 30 rows, each read as a separate class; to predict quantities, start a pipeline with model.task: regression',
    );
  });

  it.each<[string, Partial<ColumnOptions>, string]>([
    [
      'x,z\n1,2\n',
      {},
      'data.csv has no column "y" to predict, only "x", "z": set data.target to one of them',
    ],
    [
      'x;y\n1;2\n',
      {},
      'data.csv has no column "y" to predict, only "x;y": set data.target to one of them',
    ],
    [
      'x,y\n1,p\n',
      { declared: { zip: 'category' } },
      'data.csv has no column "zip", which data.columns declares, only "x", "y": correct the name or remove the declaration',
    ],
    [
      'x,y\n1,p\n',
      { declared: { y: 'ignore' } },
      'data.columns ignores "y" of data.csv, which is the target: remove the declaration or choose another data.target',
    ],
    [
      'x,y\n1,p\n"2\n",p\nabc,q\n',
      { declared: { x: 'number' } },
      'data.csv, row 3 (line 5), column "x": "abc" is not a number; correct the cell, add it to data.missing_values, or declare data.columns.x: category',
    ],
    [
      'x,y\n1,p\n',
      { declared: { x: 'ignore' } },
      'data.csv has no column to predict "y" from: add one, or stop ignoring one in data.columns',
    ],
    [
      'x,y\n1,NA\n2,\n',
      {},
      'data.csv has no row with a label in "y": fill the column in, or choose another data.target',
    ],
  ])('refuses %j with %j', (text, more, sentence) => {
    expect(() => infer(text, more)).toThrow(
      expect.objectContaining({ name: 'BadData', message: sentence }),
    );
  });

  it('cuts a long cell in an error', () => {
    const text = `x,y\n${'é'.repeat(99)},p\n`;
    expect(() => infer(text, { declared: { x: 'number' } })).toThrow(`"${'é'.repeat(40)}…" is not`);
  });
});

describe('later rows', () => {
  const { columns } = infer('x,c,y\n1,a,p\n2,b,q\n');
  const check = (text: string) => {
    const reader = new CsvReader([Buffer.from(text)], 'more.csv');
    checkHeader(reader.header, columns, 'more.csv');
    const checkRow = makeNumberCheck(reader, columns, CELLS);
    for (const block of reader.blocks())
      for (let row = 0; row < block.rows; row++) checkRow(block, row);
  };

  it('passes rows of the frozen columns, in any order', () => {
    expect(() => check('x,c,y\n3,new,r\nNA,,\n')).not.toThrow();
    expect(() => check('c,x,y\na,1,p\n')).not.toThrow();
  });

  it.each([
    [
      'x,y\n1,p\n',
      'more.csv lacks column "c", which earlier batches have: correct the header, or start a new pipeline for data of another shape',
    ],
    [
      'x,C,y\n1,a,p\n',
      'more.csv lacks column "c", which earlier batches have, and adds column "C": correct the header, or start a new pipeline for data of another shape',
    ],
    [
      'x,c,y,z\n1,a,p,1\n',
      'more.csv adds column "z", which earlier batches lack: correct the header, or start a new pipeline for data of another shape',
    ],
    [
      'x,c,y\n1,a,p\nabc,b,q\n',
      'more.csv, row 2 (line 3), column "x": "abc" is not a number; correct the cell, or start a new pipeline that allows it (data.missing_values, data.columns)',
    ],
  ])('refuses %j', (text, sentence) => {
    expect(() => check(text)).toThrow(
      expect.objectContaining({ name: 'BadData', message: sentence }),
    );
  });
});
