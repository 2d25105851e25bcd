import { describe, expect, it } from 'vitest';
import {
  type ColumnOptions,
  inferColumns,
  inferFeatures,
} from '../../../pipeline/batches/infer.ts';
import { CsvReader } from '../../../pipeline/csv/reader.ts';
import { makeNumberCheck } from '../../../pipeline/batches/check-numbers.ts';
import { checkHeader } from '../../../pipeline/batches/conform.ts';
import { MISSING_VALUES } from '../../../contract/defaults.ts';
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

  it.each<[string[], string]>([
    [['2024-01-31', '', ' 2024-02-01T10:30Z ', 'NA'], 'date'],
    [['NA', '2024-01-31'], 'date'],
    [['2024-01-31', '20240201'], 'category'],
    [['20240201', '2024-01-31'], 'category'],
    [['soon', '2024-01-31'], 'category'],
    [['2024-01-31', 'soon'], 'category'],
    [['2024-02-30'], 'category'],
  ])('takes %j for a column of type %s', (cells, type) => {
    expect(typeOf(cells)).toBe(type);
  });

  it('does not read past the last row', () => {
    expect(typeOf(['1', '2'], { cells: { missing: ['NA'] } })).toBe('number');
  });

  it('looks at every row', () => {
    expect(typeOf([...Array.from({ length: 5000 }, String), 'abc'])).toBe('category');
  });

  it('takes a declaration over what it sees', () => {
    expect(typeOf(['2024-01-01', 'NA'], { declared: { x: 'date' } })).toBe('date');
    expect(typeOf(['1', 'NA', 'red'], { declared: { x: 'ignore' } })).toBe('ignore');
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

  it('says where another text is among dates, and how to keep the column one of dates', () => {
    const warningOf = (cells: string[]): string[] =>
      infer(`x,z,y\n${cells.map((cell, i) => `${cell},${i},${'pq'[i % 2]}`).join('\n')}\n`)
        .warnings;
    const sentence = (line: number, cell: string) => [
      `data.csv: column "x" is mostly dates, but line ${line} holds "${cell}", so it is read as words; correct that cell, add it to data.missing_values, or declare data.columns.x: date`,
    ];
    expect(warningOf(['2024-01-01', '2024-01-02', 'soon', 'late'])).toEqual([]);
    expect(warningOf(['2024-01-01', '2024-01-02', 'soon'])).toEqual(sentence(4, 'soon'));
    expect(warningOf(['2024-01-01', '7', '2024-01-02', 'soon'])).toEqual([]);
    expect(warningOf(['2024-01-01', '7', '2024-01-02', 'soon', '2024-01-03'])).toEqual(
      sentence(3, '7'),
    );
    expect(infer('x,z,y\n1,1,p\n2,2,q\nabc,3,p\n').warnings).toEqual([
      'data.csv: column "x" is mostly numbers, but line 4 holds "abc", so it is read as words; correct that cell, add it to data.missing_values, or declare data.columns.x',
    ]);
    // A date among numbers is another text.
    expect(infer('x,z,y\n1,1,p\n2024-01-01,2,q\n3,3,p\n').warnings[0]).toContain(
      'is mostly numbers, but line 3 holds "2024-01-01"',
    );
    expect(infer('x,z,y\n1,1,p\nabc,3,q\n').warnings).toEqual([]);
  });

  it('names what its words look like, by its first hundred, and the words that it reads as missing', () => {
    const cells = MISSING_VALUES;
    const rows = (words: string[]) => words.map((word, i) => `${word};${i % 3};${'pq'[i % 2]}`);
    const warn = (words: string[]) => {
      const text = `x;z;y\n${rows(words).join('\n')}\n`;
      const reader = new CsvReader([Buffer.from(text)], 'data.csv', { delimiter: ';' });
      return inferColumns(reader, { ...options, cells: { missing: cells } }).warnings;
    };
    const commas = Array.from({ length: 100 }, (_, i) => `${i},5`);
    const looks =
      'data.csv: column "x" looks like numbers with a decimal comma ("0,5"), and is read as words: start a pipeline with data.decimal: ","';
    const missing = (word: string, times: string) =>
      `data.csv: column "x" holds words, and by default these cells are read as missing: "${word}" (${times}); to keep them as words, start a pipeline with data.missing_values: [""]; if they are missing, with data.missing_values: ["","${word}"]`;
    expect(warn([...commas, ...commas.map((_, i) => `word ${i}`)])).toEqual([looks]);
    expect(warn([...commas.slice(0, 89), ...commas.map((_, i) => `word ${i}`)])[0]).not.toBe(looks);
    expect(warn(['NA', ...commas, 'NA'])).toEqual([looks, missing('NA', '2 rows')]);
    expect(warn(['red', ' null ', 'red'])).toEqual([missing('null', '1 row')]);
    expect(warn(['1', 'None', '2', 'red'])).toEqual([
      expect.stringContaining('is mostly numbers, but line 5 holds "red"'),
      missing('None', '1 row'),
    ]);
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    expect(warn([...names, 'NA'])).toEqual([
      expect.stringContaining('column "x" holds a different word in every row'),
      missing('NA', '1 row'),
    ]);
    // An empty cell is no word, and in a column of numbers no word is questioned.
    expect(warn(['red', '', 'blue'])).toEqual([]);
    expect(warn(['1', 'NA', '2'])).toEqual([]);
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

  describe('warns of a column that looks like a key', () => {
    const ignoreIt = (name: string) =>
      `declare data.columns.${name}: ignore unless it is a feature`;
    const warn = (name: string, cells: (string | number)[]): string[] => {
      const rows = cells.map((cell, i) => `${cell},${i % 3},${'pq'[i % 2]}`);
      return infer(`${name},z,y\n${rows.join('\n')}\n`).warnings;
    };
    const count = (rows: number, cell: (i: number) => string | number = (i) => i) =>
      Array.from({ length: rows }, (_, i) => cell(i));
    const fives = (rows: number) => count(rows, (i) => 5 * i);

    /** The numbers between 0 and 29, some of them replaced. */
    const swap = (gone: number[], twice: number[]) => [
      ...count(28, (i) => i + 1).filter((n) => !gone.includes(n as number)),
      ...twice,
    ];

    it('with another word in each of at least twenty rows', () => {
      const words = count(20, (i) => `n${i}`);
      const sentence = `data.csv: column "x" holds a different word in every row, as a key does; ${ignoreIt('x')}`;
      expect(warn('x', words)).toEqual([sentence]);
      expect(warn('x', [...words.slice(1), '', 'NA', 'n0'])).toEqual([sentence]);
      expect(warn('x', words.slice(1))).toEqual([]);
      expect(warn('x', [...words, ' n7 '])).toEqual([]);
    });

    it('with every whole number of a range, in any order', () => {
      const from = (low: number, high: number) => [
        `data.csv: column "x" counts the rows from ${low} to ${high}, as a key does; ${ignoreIt('x')}`,
      ];
      expect(warn('x', count(20))).toEqual(from(0, 19));
      const down = count(20, (i) => 100 - i);
      expect(warn('x', down)).toEqual(from(81, 100));
      const mixed = count(5000, (i) => ((i * 7) % 5000) + 1);
      expect(warn('x', mixed)).toEqual(from(1, 5000));
      for (const other of ['', 'NA']) expect(warn('x', [...count(20), other])).toEqual(from(0, 19));
    });

    it.each<[string, (string | number)[]]>([
      ['of fewer rows', count(19)],
      ['with a gap', count(30, (i) => (i < 7 ? i : i + 1))],
      ['with a number twice', [...count(20), 7]],
      // Of these the range is known at once, and the count, the sum or the bits alone show it.
      ['with others twice, of the same sum', [0, 29, ...swap([5, 11], [6, 10])]],
      ['with others twice, of the same bits', [0, 29, ...swap([1, 2], [4, 7])]],
      ['with one twice, of the sum and the bits of two', [0, 29, ...swap([5, 10], [15])]],
      ['with a number twice after a thousand', [...count(2000), 1500]],
      ['below 0', count(20, (i) => i - 1)],
      ['with a fraction', [...count(20), '20.0']],
      ['with ten digits', count(20, (i) => 1_000_000_000 + i)],
    ])('and not of whole numbers %s', (_, cells) => {
      expect(warn('x', cells)).toEqual([]);
    });

    it.each(['id', 'ID', 'customer_id', 'orderId', 'row-key', 'Line no', 'a.nr'])(
      'with another whole number in every row, and a name such as %s',
      (name) => {
        const sentence = `data.csv: column "${name}" holds a different whole number in every row, as a key does; ${ignoreIt(name)}`;
        for (const rows of [20, 1500]) expect(warn(name, fives(rows))).toEqual([sentence]);
      },
    );

    it.each(['x', 'paid', 'BID', 'monkey', 'idle', 'id_type'])(
      'and not with the name %s',
      (name) => {
        expect(warn(name, fives(20))).toEqual([]);
        expect(warn(name, fives(1500))).toEqual([]);
      },
    );

    it('and not with that name where a number repeats, or is no whole number', () => {
      const twice = count(20, (i) => 5 * (i % 19));
      const halves = count(20, (i) => 5 * i + 0.5);
      for (const cells of [twice, halves]) expect(warn('id', cells)).toEqual([]);
    });
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

  describe('looks at the labels', () => {
    const warn = (labels: string[], more: Partial<ColumnOptions> = {}) => {
      const text = `x,y\n${labels.map((label, i) => `${i % 3},"${label}"`).join('\n')}\n`;
      return infer(text, { cells: { missing: MISSING_VALUES }, ...more }).warnings;
    };
    const numbers = (different: number, rows: number) =>
      Array.from({ length: rows }, (_, i) => String(i % different));
    const missing =
      'data.csv: column "y" holds words, and by default these cells are read as missing: "NA" (1 row); to keep them as words, start a pipeline with data.missing_values: [""]; if they are missing, with data.missing_values: ["","NA"]';

    it('and takes more than half as many numbers as rows for quantities, from twenty rows on', () => {
      const sentence = (different: number, rows: number) =>
        `data.csv: "y" holds ${different} different numbers in ${rows} rows, each read as a separate class; to predict quantities, start a pipeline with model.task: regression`;
      expect(warn(numbers(11, 20))).toEqual([sentence(11, 20)]);
      expect(warn([...numbers(1500, 1500), 'NA'])).toEqual([sentence(1500, 1500), missing]);
      expect(warn(numbers(10, 20))).toEqual([]);
      expect(warn(numbers(19, 19))).toEqual([]);
      expect(warn([...numbers(20, 20), 'red'])).toEqual([]);
    });

    it('and names quantities that are written in another way', () => {
      const commas = numbers(20, 20).map((label) => `${label},5`);
      expect(warn([...commas, 'NA'])).toEqual([
        'data.csv: "y" holds 20 different numbers with a decimal comma ("0,5") in 20 rows, each read as a separate class; to predict quantities, start a pipeline with data.decimal: ",", and model.task: regression',
        missing,
      ]);
      expect(warn(commas.map((_, i) => `name ${i}`))).toEqual([]);
    });

    it('and counts the words that are read as missing', () => {
      expect(warn(['p', 'q', 'NA'])).toEqual([missing]);
      expect(warn(['p', ' p ', 'NA'])).toEqual([
        'data.csv: every label in "y" is "p", so every model predicts that value',
        missing,
      ]);
    });

    it('and compares quantities only to see whether they differ', () => {
      const task = 'regression' as const;
      const same = ['data.csv: "y" is 7 in every row, so every model predicts that value'];
      expect(warn(['7', ' 7', '', '7'], { task })).toEqual(same);
      expect(warn(['7', '7', '8', '7'], { task })).toEqual([]);
      expect(warn(['7', '8', '9'], { task })).toEqual([]);
      expect(warn([...numbers(1500, 1500), '7'], { task })).toEqual([]);
      expect(infer('x,y\n1,7\n', { task, declared: { y: 'number' } }).columns[1]).toEqual({
        name: 'y',
        type: 'number',
      });
    });
  });

  it.each<[string, Partial<ColumnOptions>, string]>([
    [
      'x,y\n1,2\n',
      { task: 'regression', declared: { y: 'category' } },
      'data.columns declares "y" of data.csv a category, and a regression (model.task) predicts numbers: remove the declaration, or set model.task to classification',
    ],
    [
      'x,y\n1,2024-01-01\n',
      { declared: { y: 'date' } },
      'data.columns declares "y" of data.csv a date, but it is the target: remove the declaration or choose another data.target',
    ],
    [
      'x,y\n1,1e3\n2,NA\n3,cheap\n',
      { task: 'regression' },
      'data.csv, row 3 (line 4), column "y": "cheap" is not a number, and a regression (model.task) predicts numbers; correct the cell, add it to data.missing_values, or set model.task to classification',
    ],
    [
      'x,y\n2024-01-01,p\nNA,q\n1,q\n',
      { declared: { x: 'date' } },
      'data.csv, row 3 (line 4), column "x": "1" is not a date (ISO 8601, such as 2024-02-29 or 2024-02-29T12:30); correct the cell, or start a new pipeline that allows it (data.missing_values, data.columns)',
    ],
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

it('the types of an open and of a new column come from all rows of a later file', () => {
  const reader = new CsvReader([Buffer.from('a,o,n,w\n1,,7,NA\n2,,8.5,\n3,,1e3,u\n')], 'may.csv');
  const header = ['known', 'o', 'n', 'w'];
  const found = inferFeatures({ reader, header, open: ['o'] }, ['w', 'o', 'n'], CELLS);
  expect(found).toEqual({
    columns: [
      { name: 'w', type: 'category' },
      { name: 'o', type: 'ignore', open: true },
      { name: 'n', type: 'number' },
    ],
    warnings: [],
  });
});

describe('later rows', () => {
  const { columns: known } = infer('x,c,y\n1,a,p\n2,b,q\n');
  const check = (text: string, columns = known) => {
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

  it('are refused where a cell of a column of dates is no date', () => {
    const dates = infer('c,d,y\na,2024-01-01,p\nb,2024-01-02,q\n').columns;
    expect(() => check('c,d,y\na,2025-01-01T10:00,p\nb,NA,q\n', dates)).not.toThrow();
    expect(() => check('c,d,y\na,2025-01-01,p\nb,7,q\n', dates)).toThrow(
      expect.objectContaining({
        name: 'BadData',
        message:
          'more.csv, row 2 (line 3), column "d": "7" is not a date (ISO 8601, such as 2024-02-29 or 2024-02-29T12:30); correct the cell, or start a new pipeline that allows it (data.missing_values, data.columns)',
      }),
    );
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
