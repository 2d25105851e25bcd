import { describe, expect, it } from 'vitest';
import { CellRule } from '../../../pipeline/csv/cells.ts';
import { CsvReader } from '../../../pipeline/csv/reader.ts';
import type { Encoder } from '../../../pipeline/features/encoder.ts';
import { openReaders, UNREADABLE } from '../../../pipeline/predictions/feature-reader.ts';
import {
  blockOf,
  describeUnreadable,
  type RawBlock,
  readCsvBlocks,
} from '../../../pipeline/predictions/raw-block.ts';
import { CELLS } from '../support.ts';

const encoder: Encoder = {
  schema: 2,
  target: 'y',
  missing: 'impute',
  unseen: 'missing',
  features: [
    { name: 'n', type: 'number', median: 3 },
    { name: 'w', type: 'category', categories: ['blue', 'red'], most_frequent: 'red' },
    { name: 'd', type: 'date', median: 1 },
  ],
};
const readers = openReaders(encoder, new CellRule(CELLS), true);
const columns = readers.map(({ column, type }) => ({ name: column, type }));

const readBlocks = (text: string, read = columns, block?: number) =>
  readCsvBlocks(
    new CsvReader([Buffer.from(text)], 'rows.csv', block === undefined ? {} : { block }),
    read,
    (delimiter) => `give ${JSON.stringify(delimiter)}`,
  );

/** What all readers read of a block, and its unreadable cells as sentences. */
function readAll(block: RawBlock): { values: number[][]; faults: string[] } {
  const faults: string[] = [];
  const values = Array.from({ length: block.rows }, (_, row) =>
    readers.map((reader, i) => {
      const value = block.read(reader, row);
      if (value === UNREADABLE)
        faults.push(describeUnreadable(block, { row, column: columns[i]! }));
      return value;
    }),
  );
  return { values, faults };
}

describe('a block of CSV', () => {
  it('has the cells of each column by its name, and the line on which a row begins', () => {
    const text = 'x,d,w,n\n"a\nb",1970-01-03,red,1\n,1970-01-04,blue,NA\n';
    const [block] = readBlocks(text);
    expect(readAll(block!)).toEqual({
      values: [
        [1, 1, 2],
        [3, 0, 3],
      ],
      faults: [],
    });
    expect([0, 1].map((row) => block!.locate(row))).toEqual([
      'rows.csv, line 2',
      'rows.csv, line 4',
    ]);
    expect(['x', 'd', 'absent'].map((name) => block!.valueOf(name, 0))).toEqual([
      'a\nb',
      '1970-01-03',
      undefined,
    ]);
    expect(block!.valueOf('n', 1)).toBe('NA');
  });

  it('is one of several in a long file', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `${i},red,1970-01-02`);
    const read = Array.from(readBlocks(`n,w,d\n${lines.join('\n')}\n`, columns, 64), (block) =>
      readAll(block).values.map(([n]) => n),
    );
    expect(read.length).toBeGreaterThan(1);
    expect(read.flat()).toEqual(lines.map((_, i) => i));
  });

  it('has a sentence for each cell that cannot be read', () => {
    const [block] = readBlocks('n,w,d\none,green,today\n');
    expect(readAll(block!).faults).toEqual([
      'rows.csv, line 2, column "n": "one" is not a number',
      'rows.csv, line 2, column "w": "green" is a word that the model has not learnt',
      'rows.csv, line 2, column "d": "today" is not a date',
    ]);
  });

  it.each([
    [
      'd;n;w',
      columns,
      'rows.csv has a single column, "d;n;w": its delimiter seems to be ";"; give ";"',
    ],
    ['x', columns, 'rows.csv lacks columns "n", "w", "d", which the model reads: add them'],
    ['n', columns, 'rows.csv lacks columns "w", "d", which the model reads: add them'],
    ['n;w,d', columns, 'rows.csv lacks columns "n", "w", which the model reads: add them'],
    ['d,w', columns, 'rows.csv lacks column "n", which the model reads: add it'],
    [
      'a;b',
      [...columns.slice(1, 2), { name: 'a;b', type: 'number' as const }],
      'rows.csv lacks column "w", which the model reads: add it',
    ],
  ])('is refused where the header is %j and columns are not in it', (header, read, sentence) => {
    expect(() => [...readBlocks(`${header}\n`, read)]).toThrow(
      expect.objectContaining({ name: 'BadData', message: sentence }),
    );
  });
});

describe('a block of values', () => {
  const blockFrom = (...rows: Record<string, unknown>[]) =>
    blockOf(
      rows.length,
      (row, column) => rows[row]![column],
      (row) => `row ${row + 1}`,
    );

  it('has the values of each column by its name', () => {
    const day = new Date('1970-01-03');
    const block = blockFrom({ n: 1, w: 'red', d: day }, { n: null, w: 'blue' });
    expect(readAll(block)).toEqual({
      values: [
        [1, 1, 2],
        [3, 0, 1],
      ],
      faults: [],
    });
    expect(['d', 'absent'].map((name) => block.valueOf(name, 0))).toEqual([day, undefined]);
    expect(block.valueOf('w', 1)).toBe('blue');
  });

  it.each([
    ['one', '"one"'],
    [true, 'true'],
    [[1], 'a list'],
    [{ a: 1 }, 'an object'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('names a value that cannot be read as it is: %j', (value, text) => {
    expect(readAll(blockFrom({}, { n: value, w: 'red' })).faults).toContain(
      `row 2, column "n": ${text} is not a number`,
    );
  });
});
