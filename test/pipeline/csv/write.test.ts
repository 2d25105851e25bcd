import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvReader } from '../../../pipeline/csv/reader.ts';
import { formatRow, quoteCell, RowWriter } from '../../../pipeline/csv/write.ts';
import { csv, iris, sha256, formatCsv, parseCsv } from '../support.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Reads rows, and writes them under the column plan of a batch. */
function rewrite(
  rows: readonly (readonly string[])[],
  from: readonly (number | null)[],
  delimiter = ',',
): string {
  const spell = (cell: string): string =>
    cell === '' || /["\n,;]/.test(cell) ? quoteCell(cell) : cell;
  const width = rows[0]!.length;
  const names = Array.from({ length: width }, (_, i) => `c${i}`);
  const lines = [names, ...rows].map((row) => row.map(spell).join(delimiter));
  const reader = new CsvReader([Buffer.from(lines.join('\n'))], 'x', { delimiter });
  const header = from.map((index) => `h${index}`);
  const writer = new RowWriter({ header, from, fill: 'NA', warnings: [] }, width, delimiter);
  writer.writeHeader();
  for (const block of reader.blocks())
    for (let row = 0; row < block.rows; row++) writer.writeRow(block, row);
  return text(writer.bytes.subarray(0, writer.length));
}

/** What {@link rewrite} has to write. */
function format(rows: readonly (readonly string[])[], from: readonly (number | null)[]): string {
  const header = from.map((index) => `h${index}`);
  const cells = rows.map((row) => from.map((i) => (i === null ? 'NA' : row[i]!)));
  return [header, ...cells, []].map(formatRow).join('\n');
}

describe('parseCsv', () => {
  it('reads the same table with or without byte order mark, and with any line ends', () => {
    const expected = { header: ['a', 'b'], rows: [['1', ' x ']] };
    for (const variant of [
      'a,b\n1, x \n',
      '\ufeffa,b\r\n1, x \r\n',
      'a,b\r1, x ',
      'a,b\n1, x \n\n',
    ]) {
      expect(csv(variant)).toEqual(expected);
    }
  });

  it('trims column names and keeps cells as they are', () => {
    expect(csv('a, b\n"x, ""y""\nz", 007\n')).toEqual({
      header: ['a', 'b'],
      rows: [['x, "y"\nz', ' 007']],
    });
  });

  it.each([
    ['', 'data.csv is empty: it needs a header and at least one row'],
    ['\n\r\n', 'data.csv is empty: it needs a header and at least one row'],
    ['a,b\n', 'data.csv holds a header and no rows: add at least one row'],
    ['a,,c\n1,2,3\n', 'data.csv has no name for column 2: name it in the header'],
    ['a,b,a\n1,2,3\n', 'data.csv has more than one column named "a": rename all but one'],
    [
      'a,__proto__\n1,2\n',
      'data.csv names a column "__proto__", which no table can hold: rename it',
    ],
    ['a,b\n1,2\n\n3,4\n', 'data.csv, line 3, is blank: remove it'],
    [
      'a,b\n1,"2\n2"\n3\n',
      'data.csv, line 4, has 1 cell where the header has 2: add or remove cells, or quote those that contain the delimiter',
    ],
    [
      'a,b\n1,2,3\n',
      'data.csv, line 2, has 3 cells where the header has 2: add or remove cells, or quote those that contain the delimiter',
    ],
    [
      'a,b\n1,"2\n3,4\n',
      'data.csv ends inside a quoted cell of the row on line 2: add the closing quote',
    ],
    [
      '\ufeffa,b\r\n"1\n1",2\r\n1,"2\r\n3,4\r\n',
      'data.csv ends inside a quoted cell of the row on line 4: add the closing quote',
    ],
    [
      'a,b\n1,2\n5" pipe,4\n',
      'data.csv, line 3, has a quote in the middle of a cell: put the cell in quotes and write each quote inside it twice',
    ],
    [
      'a,b\n1,"2"x\n',
      'data.csv, line 2, has a quote in the middle of a cell: put the cell in quotes and write each quote inside it twice',
    ],
    [
      'a,b\n1,\0\n',
      'data.csv holds a NUL byte on line 2, so it is not text: save it as CSV in UTF-8',
    ],
  ])('refuses %j', (input, sentence) => {
    expect(() => csv(input)).toThrow(
      expect.objectContaining({ name: 'BadData', message: sentence }),
    );
  });

  it.each([
    [[0x1f, 0x8b, 8], 'data.csv is compressed: gunzip it first'],
    [[0x50, 0x4b, 3, 4], 'data.csv is a zip archive or a workbook: export it as CSV text first'],
    [[0xff, 0xfe, 65, 0], 'data.csv is UTF-16: convert it to UTF-8 first'],
    [
      [65, 10, 0xe9, 10],
      'data.csv is not UTF-8 (first on line 2): convert it to UTF-8, or, if it is Latin-1 and no batch of the pipeline has been cut yet, set data.encoding to latin1',
    ],
  ])('refuses bytes %j', (input, sentence) => {
    expect(() => parseCsv(Uint8Array.from(input), 'data.csv')).toThrow(
      expect.objectContaining({ name: 'BadData', message: sentence }),
    );
  });
});

describe('formatCsv', () => {
  it('quotes only where it must', () => {
    const table = {
      header: ['a', 'b c'],
      rows: [
        ['x,y', 'say "hi"'],
        [' pad', 'plain'],
        ['', '1'],
      ],
    };
    expect(text(formatCsv(table))).toBe('a,b c\n"x,y","say ""hi"""\n" pad",plain\n,1\n');
  });

  it('writes bytes that read back as the same table', () => {
    const cell = fc
      .oneof(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', '\ufeff', 'é') }),
      )
      .map((value) => value.replaceAll('\0', ''));
    const name = cell.map((value) => value.trim()).filter((value) => value !== '');
    const table = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).chain((header) =>
      fc.record({
        header: fc.constant(header),
        rows: fc.array(fc.array(cell, { minLength: header.length, maxLength: header.length }), {
          minLength: 1,
        }),
      }),
    );
    fc.assert(
      fc.property(table, (value) => {
        expect(parseCsv(formatCsv(value), 'x')).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it('writes the rows of a reader as their cells, for every number and length of rows', () => {
    const cell = fc.oneof(
      fc.constantFrom('', 'a', 'é', ' pad', 'pad ', '\u00a0x', '"', 'x,y', 'two\nlines', '\x7f'),
      fc.nat(600).map((length) => 'x'.repeat(length)),
    );
    const rows = fc.array(fc.array(cell, { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 200,
    });
    const plans = [[0, 1, 2], [0, 1], [2, null, 0], [1]];
    fc.assert(
      fc.property(rows, fc.constantFrom(...plans), fc.constantFrom(',', ';'), (cells, from, by) => {
        expect(rewrite(cells, from, by)).toBe(format(cells, from));
      }),
    );
  });

  it('writes cells in the order of the plan where only some keep their place', () => {
    const rows = [
      ['1', '2', '3'],
      ['4', '5', '6'],
    ];
    expect(rewrite(rows, [0, 2, 1])).toBe('h0,h2,h1\n1,3,2\n4,6,5\n');
    expect(rewrite(rows, [1, 0, 2])).toBe('h1,h0,h2\n2,1,3\n5,4,6\n');
    expect(rewrite(rows, [0, 1, null])).toBe('h0,h1,hnull\n1,2,NA\n4,5,NA\n');
  });

  it.each([' x', 'x ', '\u00a0x', 'x\u00a0', '\u2003x', 'x\u2003', '\tx', 'x\t', ' '])(
    'puts every cell %j of a row in quotes, as its white space would be easy to lose',
    (cell) => {
      expect(rewrite([[cell, cell]], [0, 1])).toBe(`h0,h1\n"${cell}","${cell}"\n`);
      expect(rewrite([['y', cell]], [0, 1])).toBe(`h0,h1\ny,"${cell}"\n`);
      expect(rewrite([[cell, 'y']], [0, 1])).toBe(`h0,h1\n"${cell}",y\n`);
    },
  );

  it('writes every row of a batch that is larger than the memory it begins with', () => {
    for (const character of ['x', '€'])
      for (const length of [1, 2, 999, 100_000]) {
        const cell = character.repeat(length);
        const rows = Array.from({ length: 3 + 70_000 / length }, () => [cell]);
        // One comparison: the difference of two long texts takes minutes to print.
        expect([cell.slice(0, 5), length, rewrite(rows, [0]) === format(rows, [0])]).toEqual([
          cell.slice(0, 5),
          length,
          true,
        ]);
      }
  });

  it('puts the only cell of a row in quotes where it is empty', () => {
    const reader = new CsvReader([Buffer.from('a\n1\n\n2\n')], 'x');
    const writer = new RowWriter({ header: ['a'], from: [0], fill: '', warnings: [] }, 1);
    for (const block of reader.blocks())
      for (let row = 0; row < block.rows; row++) writer.writeRow(block, row);
    expect(text(writer.bytes.subarray(0, writer.length))).toBe('1\n""\n2\n');
  });

  it('writes the same bytes for every spelling of a table', () => {
    expect(formatCsv(csv('\ufeff a,"b"\r\n"1",x\r\n'))).toEqual(Buffer.from(bytes('a,b\n1,x\n')));
  });

  it('writes Iris as it always has', () => {
    expect(sha256(formatCsv(iris()))).toMatchInlineSnapshot(
      `"9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355"`,
    );
  });
});
