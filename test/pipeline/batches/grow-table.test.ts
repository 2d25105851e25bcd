import * as fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { makeBatchLookup } from '../../../pipeline/batches/grow-table.ts';
import { permuteRows } from '../../../pipeline/batches/order.ts';
import { cutBatches, findFirstChange, growRaw } from '../../../pipeline/batches/raw-tasks.ts';
import { memoryFiles } from '../files.ts';

const cell = fc.oneof(
  fc.constantFrom('say "hi"', '"', '""', 'a"', 'two\nlines', 'a\r\nb', 'a,b;c', ' d ', 'é', ''),
  fc.string({ unit: fc.constantFrom('"', ',', ';', '\n', ' ', 'x') }),
);

/** A cell as a file may spell it: in quotes where it must be, or where `always` says. */
const spell = (text: string, always: boolean): string =>
  always || /[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

const table = fc.array(fc.tuple(cell, fc.boolean(), fc.constantFrom('p', 'q')), {
  minLength: 1,
  maxLength: 30,
});

/** Canonical CSV as another parser reads it. */
const read = (text: string): string[][] => parse(text, { recordDelimiter: '\n' });

const columns = ['x', 'y'].map((name) => ({ name, type: 'category' as const }));

describe('a table whose cells hold quotes, delimiters and line breaks', () => {
  it('keeps them in its next state, and in the batches cut of that', () => {
    fc.assert(
      fc.property(
        table,
        fc.integer({ min: 1, max: 5 }),
        fc.option(fc.nat(9)),
        fc.constantFrom(',', ';'),
        fc.constantFrom('\n', '\r\n'),
        (rows, batchSize, shuffleSeed, delimiter, end) => {
          const lines = rows.map(([text, always, y]) => `${spell(text, always)}${delimiter}${y}`);
          const textOf = (some: string[], lineBreak: string): string =>
            [`x${delimiter}y`, ...some, ''].join(lineBreak);
          const known = Math.ceil(rows.length / 2);
          const cut = Math.min(known, batchSize);
          const files = memoryFiles();
          files.put('before', textOf(lines.slice(0, known), end));
          files.put('whole', textOf(lines, end));
          const raw = { file: 'data.csv', delimiter };
          const shape = { columns, cells: { missing: [''] }, batchSize };
          const found = growRaw(
            {
              ...shape,
              before: { ...raw, path: 'before', rows: known, shuffleSeed, cut },
              whole: { ...raw, path: 'whole' },
              known,
              path: 'next',
            },
            undefined,
            { files },
          );
          const order = [...permuteRows(known, shuffleSeed)].slice(cut);
          for (let row = known; row < rows.length; row++) order.push(row);
          expect(found.whole).toBe(rows.length);
          if (rows.length === known) return;
          expect(files.text('next')).toBe(
            textOf(
              order.map((row) => lines[row]!),
              '\n',
            ),
          );
          const count = Math.ceil(order.length / batchSize);
          const batches = cutBatches(
            {
              ...raw,
              ...shape,
              path: 'next',
              target: 'y',
              shuffleSeed: null,
              rows: found.rows,
              batches: Array.from({ length: count }, (_, i) => i + 1),
              folder: 'out',
            },
            undefined,
            { files },
          );
          const cells = batches.flatMap(({ path }) => read(files.text(path)).slice(1));
          expect(cells).toEqual(order.map((row) => [rows[row]![0], rows[row]![2]]));
        },
      ),
    );
  });
});

describe('a table whose columns come in another order', () => {
  const raw = { file: 'data.csv', delimiter: ',' };
  const shape = { columns, cells: { missing: [''] }, batchSize: 2 };
  const files = memoryFiles();
  files.put('before', 'x,y\n1,p\n"2,0",q\n');
  files.put('whole', 'y,x\np,1\nq,"2,0"\np,"3,0"\n');
  const states = { states: [{ after: 0, rows: 2 }], batchSize: 2, shuffleSeed: null };
  const compare = (whole: string) =>
    findFirstChange(
      {
        known: [{ ...raw, path: 'before', skip: 0 }],
        whole: { ...raw, path: whole },
        table: states,
        amended: [],
      },
      undefined,
      { files },
    );

  it('has not changed, and its new rows take the known order', () => {
    expect(compare('whole')).toBeNull();
    const before = { ...raw, path: 'before', rows: 2, shuffleSeed: null, cut: 2 };
    const grown = { ...shape, before, whole: { ...raw, path: 'whole' }, known: 2, path: 'next' };
    expect(growRaw(grown, undefined, { files })).toEqual({ whole: 3, rows: 1 });
    expect(Buffer.concat([...files.read('next')]).toString()).toBe('x,y\n"3,0",p\n');
  });

  it('keeps names with delimiters, quotes and line breaks, and the place of each cell', () => {
    const names = ['a;b', 'say "hi"', 'two\nlines', 'y'];
    const header = '"a;b";"say ""hi""";"two\nlines";y';
    files.put('odd', `${header}\n1;2;3;p\n`);
    files.put('odd later', 'y;"two\nlines";"a;b";"say ""hi"""\np;3;1;2\nq;6;4;5\n');
    const semicolons = { file: 'data.csv', delimiter: ';' };
    const grown = {
      ...shape,
      columns: names.map((name) => ({ name, type: 'category' as const })),
      before: { ...semicolons, path: 'odd', rows: 1, shuffleSeed: null, cut: 0 },
      whole: { ...semicolons, path: 'odd later' },
      known: 1,
      path: 'odd next',
    };
    expect(growRaw(grown, undefined, { files })).toEqual({ whole: 2, rows: 2 });
    expect(files.text('odd next')).toBe(`${header}\n1;2;3;p\n4;5;6;q\n`);
  });

  it('has changed where a row has', () => {
    files.put('other', 'y,x\np,1\nq,2\n');
    expect(compare('other')).toMatchObject({ where: 'row 2 was "2,0,q" and is "2,q"' });
    files.put('renamed', 'y,X\np,1\n');
    expect(compare('renamed')).toMatchObject({ where: 'its columns were x, y and are y, X' });
  });

  it('warns of values in a column that was empty when the pipeline began', () => {
    const open = [...columns, { name: 'z', type: 'ignore' as const, open: true as const }];
    files.put('later', 'x,y,z\n1,p,\n2,q,7\n');
    const cutting = {
      ...shape,
      columns: open,
      target: 'y',
      rows: 2,
      shuffleSeed: null,
      batches: [1],
    };
    const [batch] = cutBatches({ ...raw, path: 'later', ...cutting, folder: 'out' }, undefined, {
      files,
    });
    expect(batch!.warnings).toEqual([
      'batch 1 has values in column "z", which was empty when the pipeline began, so it is left out: start a new pipeline to use it',
    ]);
  });
});

describe('a table that grows by numbers', () => {
  const raw = { file: 'data.csv', delimiter: ',' };
  const numbers = [{ name: 'x', type: 'number' as const }, columns[1]!];

  /** The next state of a table of which two rows are known and `cut` of them are in batches. */
  function grow(whole: string, cut: number) {
    const files = memoryFiles();
    files.put('before', 'x,y\n1,p\n2,q\n');
    files.put('whole', whole);
    const options = {
      columns: numbers,
      cells: { missing: [''] },
      batchSize: 2,
      before: { ...raw, path: 'before', rows: 2, shuffleSeed: null, cut },
      whole: { ...raw, path: 'whole' },
      known: 2,
      path: 'next',
    };
    return { ...growRaw(options, undefined, { files }), files };
  }

  it('is refused at the first new row with another text, and known rows are not looked at again', () => {
    expect(() => grow('x,y\n1,p\n2,q\n3,p\nmany,q\n', 2)).toThrow(
      'data.csv, row 4 (line 5), column "x": "many" is not a number',
    );
    const { files, ...grown } = grow('x,y\nmany,p\n2,q\n3,p\n', 2);
    expect(grown).toEqual({ whole: 3, rows: 1 });
    expect(files.text('next')).toBe('x,y\n3,p\n');
  });

  it('has no next state while no row is new, also where rows wait', () => {
    for (const cut of [0, 1, 2]) {
      const { files, ...grown } = grow('x,y\n1,p\n2,q\n', cut);
      expect(grown).toEqual({ whole: 2, rows: 0 });
      expect(files.has('next')).toBe(false);
    }
  });

  it('begins with the rows that wait, and counts them', () => {
    const { files, ...grown } = grow('x,y\n1,p\n2,q\n3,p\n', 1);
    expect(grown).toEqual({ whole: 3, rows: 2 });
    expect(files.text('next')).toBe('x,y\n2,q\n3,p\n');
  });

  it('is refused where a column is missing or new', () => {
    expect(() => grow('x\n1\n', 2)).toThrow('data.csv lacks column "y"');
    expect(() => grow('x,y,z\n1,p,0\n', 2)).toThrow('data.csv adds column "z"');
  });
});

describe('the batch of a row', () => {
  const grown = fc.record({
    first: fc.integer({ min: 1, max: 12 }),
    /** Of each later state: how many batches were cut before it, and how many rows are new. */
    later: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 6 })), { maxLength: 4 }),
    batchSize: fc.integer({ min: 1, max: 4 }),
    shuffleSeed: fc.option(fc.nat(99)),
  });

  it('is the one that it was cut into, or will be, however the table has grown', () => {
    fc.assert(
      fc.property(grown, ({ first, later, batchSize, shuffleSeed }) => {
        let waiting = [...permuteRows(first, shuffleSeed)];
        let [after, rows] = [0, first];
        const states = [{ after, rows }];
        const batches: number[] = [];
        const cut = (): void => {
          after++;
          for (const row of waiting.splice(0, batchSize)) batches[row] = after;
        };
        for (const [count, fresh] of later) {
          for (let i = 0; i < count && waiting.length > 0; i++) cut();
          waiting = [...waiting, ...Array.from({ length: fresh }, (_, i) => rows + i)];
          rows += fresh;
          states.push({ after, rows });
        }
        while (waiting.length > 0) cut();
        const find = makeBatchLookup({ states, batchSize, shuffleSeed });
        expect(batches.map((_, row) => find(row))).toEqual(batches);
      }),
    );
  });
});
