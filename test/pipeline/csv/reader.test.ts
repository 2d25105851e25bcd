import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvReader, decodeCells, readCell } from '../../../pipeline/csv/reader.ts';
import { MOST_COLUMNS } from '../../../pipeline/csv/scan.ts';

/** Everything a reader says of some text: its cells with their lines, or its one error. */
function read(chunks: readonly Uint8Array[], options: { block?: number; delimiter?: string } = {}) {
  const rows: string[][] = [];
  const lines: number[] = [];
  try {
    const reader = new CsvReader(chunks, 'x', options);
    const { header, width } = reader;
    for (const block of reader.blocks()) {
      expect(block.firstRow).toBe(rows.length + 1);
      expect(block.rows).toBeGreaterThan(0);
      const decode = decodeCells(block);
      for (let row = 0; row < block.rows; row++) {
        const cells = header.map((_, column) => readCell(block, row * width + column));
        expect(header.map((_, column) => decode(row * width + column))).toEqual(cells);
        rows.push(cells);
        lines.push(block.lines[row]!);
      }
    }
    return { header, rows, lines };
  } catch (error) {
    return { error: (error as Error).message, rows, lines };
  }
}

/** What csv-parse makes of the same text; undefined where it, or a look at the names or lengths, refuses it. */
function oracle(whole: Buffer): string[][] | undefined {
  if (!isUtf8(whole) || whole.includes(0)) return undefined;
  try {
    const text = whole.toString('utf8').replace(/[\r\n]+$/, '');
    const rows: string[][] = parse(text, {
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
    });
    const names = (rows[0] ?? []).map((name) => name.trim());
    const sound =
      rows.length > 1 &&
      names.every((name, i) => name !== '' && names.indexOf(name) === i) &&
      rows.every((row) => row.length === names.length);
    return sound ? [names, ...rows.slice(1)] : undefined;
  } catch {
    return undefined;
  }
}

/** Text cut into chunks at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  const sorted = at.toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, i) => bytes.subarray(sorted[i], end));
}

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', ',', '\n', '1', 'é', '😀') },
  { weight: 3, arbitrary: fc.constantFrom('"', '\r\n', '\r', '""', ' ', '"a,b"', '"\n"') },
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => `h,i\n${pieces.join('')}`);
const bytes = fc.oneof(
  { weight: 5, arbitrary: text.map((value) => Buffer.from(value)) },
  { weight: 1, arbitrary: fc.array(piece).map((pieces) => Buffer.from(pieces.join(''))) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(text, fc.constantFrom(0, 0xe9, 0xff), fc.nat(99))
      .map(([value, byte, at]) => {
        const spoilt = Buffer.from(value);
        spoilt[at % spoilt.length] = byte;
        return spoilt;
      }),
  },
);

describe('CsvReader', () => {
  it('says the same however the text comes in chunks, and however little is looked at a time', () => {
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.nat(99)),
        fc.integer({ min: 4, max: 64 }),
        (whole, at, block) => {
          expect(read(cut(whole, at), { block })).toEqual(read([whole]));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('reads what csv-parse reads, and refuses what it refuses', () => {
    fc.assert(
      fc.property(bytes, (whole) => {
        const found = read([whole]);
        const rows = 'header' in found ? [found.header, ...found.rows] : undefined;
        expect(rows).toEqual(oracle(whole));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads the name of a first column in quotes after a byte order mark', () => {
    expect(read([Buffer.from('\ufeff"a,b",c\n1,2\n')])).toMatchObject({ header: ['a,b', 'c'] });
  });

  it.each([1, 7])('reads ten thousand rows of %i columns in one block', (width) => {
    const header = Array.from({ length: width }, (_, column) => `h${column}`);
    const rows = Array.from({ length: 10_000 }, (_, row) => header.map((name) => name + row));
    const lines = [header, ...rows, [], []].map((cells) => cells.join());
    const found = read([Buffer.from(lines.join('\n'))], { block: 1 << 20 });
    expect(found).toEqual({ header, rows, lines: rows.map((_, i) => i + 2) });
  });

  it('knows the line of every row', () => {
    const { lines } = read([Buffer.from('a,"b\r\nc"\r1,2\n"x\n\ny","\r"\r\n5,6\n')]);
    expect(lines).toEqual([3, 4, 8]);
  });

  it('takes blank lines of a table of one column for rows, but for those at the end', () => {
    expect(read([Buffer.from('a\n1\n\n\n2\n\n\n')], { block: 4 })).toEqual({
      header: ['a'],
      rows: [['1'], [''], [''], ['2']],
      lines: [2, 3, 4, 5],
    });
  });

  it.each([';', '\t', '|'])('reads cells apart at %j', (delimiter) => {
    const given = ['a', 'b\n1,5', '"x', 'y"\n'].join(delimiter);
    expect(read([Buffer.from(given)], { delimiter })).toMatchObject({
      header: ['a', 'b'],
      rows: [['1,5', `x${delimiter}y`]],
    });
  });

  it('takes as many columns as the bound, and refuses more before it makes their names', () => {
    const header = (count: number): Buffer =>
      Buffer.from(Array.from({ length: count }, (_, i) => `c${i}`).join(','));
    const row = Buffer.from(`\n${','.repeat(MOST_COLUMNS - 1)}\n`);
    expect(new CsvReader([header(MOST_COLUMNS), row], 'x').width).toBe(MOST_COLUMNS);
    for (const count of [MOST_COLUMNS + 1, 2 * MOST_COLUMNS, 1_000_000])
      expect(read([header(count), Buffer.from('\n1\n')]).error).toBe(
        'x has more than 50000 columns: leave out those that are not needed, or check that its header is on a separate line and that data.delimiter is right',
      );
  });
});
