import * as fc from 'fast-check';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { permuteRows } from '../../../pipeline/batches/order.ts';
import { cutBatches, growRaw } from '../../../pipeline/batches/raw-tasks.ts';
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
