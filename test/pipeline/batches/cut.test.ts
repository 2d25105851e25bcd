import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countBatches, permuteRows } from '../../../pipeline/batches/order.ts';
import { BatchSpill } from '../../../pipeline/batches/batch-spill.ts';
import { cutBatches } from '../../../pipeline/batches/raw-tasks.ts';
import { FileWriter } from '../../../pipeline/batches/files.ts';
import { memoryFiles } from '../files.ts';
import {
  csv,
  cutRows,
  iris,
  irisBytes,
  irisColumns,
  CELLS,
  sha256,
  formatCsv,
} from '../support.ts';

/** Cuts batches of a text, each as text. */
function cutText(
  text: string,
  batches: number[],
  options: Partial<Parameters<typeof cutBatches>[0]>,
) {
  const files = memoryFiles();
  files.put('raw', text);
  const defaults = {
    path: 'raw',
    file: 'data.csv',
    delimiter: ',',
    columns: [...csv(text).header].map((name) => ({ name, type: 'category' as const })),
    target: 'y',
    cells: CELLS,
    batchSize: 2,
    shuffleSeed: null,
    rows: csv(text).rows.length,
    folder: 'out',
  };
  const found = cutBatches({ ...defaults, ...options, batches }, undefined, { files });
  return found.map(({ path, ...rest }) => ({ text: files.text(path), ...rest }));
}

/** One batch of two rows of a number and a word. */
const written = {
  path: 'raw',
  file: 'data.csv',
  delimiter: ',',
  columns: [
    { name: 'x', type: 'number' as const },
    { name: 'y', type: 'category' as const },
  ],
  target: 'y',
  cells: CELLS,
  batchSize: 2,
  shuffleSeed: null,
  folder: 'out',
  batches: [1],
};

const cell = fc.oneof(
  fc.constantFrom('a', 'bc', '', ' a', 'é', '\u00a0x', '7'),
  fc.constantFrom('a,b', 'say "hi"', 'two\nlines'),
);
const rows = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 40 });

describe('cutBatches', () => {
  it('cuts what arquero takes by the permutation, as canonical CSV', () => {
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 50 }),
        fc.option(fc.nat(99)),
        (cells, size, seed) => {
          const table = { header: ['x', 'y'], rows: cells };
          const text = Buffer.from(formatCsv(table)).toString();
          const count = countBatches(cells.length, size);
          const wanted = Array.from({ length: count }, (_, i) => i + 1);
          const order = permuteRows(cells.length, seed);
          const found = cutText(text, wanted, { batchSize: size, shuffleSeed: seed });
          expect(found.map((batch) => batch.text)).toEqual(
            wanted.map((batch) =>
              Buffer.from(formatCsv(cutRows(table, order, batch, size))).toString(),
            ),
          );
          expect(cutText(text, [count], { batchSize: size, shuffleSeed: seed })[0]).toEqual(
            found.at(-1),
          );
        },
      ),
    );
  });

  it('cuts the batches of Iris as it always has', () => {
    const found = cutText(Buffer.from(irisBytes()).toString(), [1, 2, 3], {
      columns: irisColumns,
      target: 'species',
      batchSize: 50,
      shuffleSeed: 42,
    });
    expect(found.map(({ text }) => sha256(Buffer.from(text)))).toEqual(
      [1, 2, 3].map((batch) => sha256(formatCsv(cutRows(iris(), permuteRows(150, 42), batch, 50)))),
    );
    expect(found.map(({ text }) => sha256(Buffer.from(text)))).toMatchInlineSnapshot(`
      [
        "0d09d1473412999ff996cc240b7109741ad892b725a09b7c9b11905125b8d899",
        "964fca5cae19552edf826be2f9cbbcc23b5ef748e7f3528ba309a2646aeb7c89",
        "bd644f95363ebba460b19666cf8e999fc45227e0a0bd2c6eae21f692397bfc4a",
      ]
    `);
  });

  it('writes the same canonical CSV for every way to write a cell', () => {
    const files = memoryFiles();
    files.put('raw', '\ufeff x ;y\r\n"1";a,b\r\n 2;"say ""hi"""\r\n');
    const [batch] = cutBatches({ ...written, delimiter: ';', rows: 2 }, undefined, { files });
    expect(files.text(batch!.path)).toBe('x,y\n1,"a,b"\n" 2","say ""hi"""\n');
  });

  it('says that a batch holds a single class', () => {
    const [first, second] = cutText('x,y\n1,p\n2,p\n3,p\n4,q\n', [1, 2], {});
    expect(first!.warnings).toEqual([
      'batch 1 holds a single class (p): if the source is sorted by class, set data.shuffle_seed in a new pipeline',
    ]);
    expect(second!.warnings).toEqual([]);
  });

  it('says nothing of single classes where the target is a number', () => {
    const columns = [
      { name: 'x', type: 'number' as const },
      { name: 'y', type: 'number' as const },
    ];
    expect(cutText('x,y\n1,5\n2,5\n', [1], { columns })[0]!.warnings).toEqual([]);
  });

  it('counts batches from those before the first row', () => {
    const text = 'x,y\n1,p\n2,q\n3,p\n';
    expect(cutText(text, [5, 4], { after: 3 })).toMatchObject([
      { text: 'x,y\n3,p\n', rows: 1 },
      { text: 'x,y\n1,p\n2,q\n', rows: 2 },
    ]);
    expect(() => cutText(text, [3], { after: 3 })).toThrow('is not a batch number');
    expect(() => cutText(text, [6], { after: 3 })).toThrow('does not exist');
  });

  it('does not look at the cells of other batches', () => {
    const [second] = cutText('x,y\nmany,p\n2,q\n3,p\n', [2], { columns: written.columns });
    expect(second!.text).toBe('x,y\n3,p\n');
  });

  it('names the columns that were empty when the pipeline began, in the batches with values', () => {
    const open = { type: 'ignore' as const, open: true as const };
    const columns = [
      { name: 'o', ...open },
      { name: 'x', type: 'category' as const },
      { name: 'u', ...open },
      { name: 'y', type: 'category' as const },
    ];
    const text = 'o,x,u,y\n,1,,p\n,2,NA,q\n7,3,,p\n8,4,9,q\n';
    const [first, second] = cutText(text, [1, 2], { columns });
    const sentence = (name: string) =>
      `batch 2 has values in column "${name}", which was empty when the pipeline began, so it is left out: start a new pipeline to use it`;
    expect(first!.warnings).toEqual([]);
    expect(second!.warnings).toEqual([sentence('o'), sentence('u')]);
  });

  it('refuses a table whose columns are not the known ones', () => {
    expect(() => cutText('x,z\n1,2\n', [1], { columns: written.columns })).toThrow(
      'data.csv lacks column "y", which earlier batches have, and adds column "z"',
    );
  });

  it.each([
    [[3], {}, 'batch 3 does not exist: the source has 3 rows, which make 2 batches of 2'],
    [[1], { rows: 4 }, 'data.csv has 3 rows where 4 were counted before: run get_data again'],
    [[1], { rows: 2 }, 'data.csv has 3 rows where 2 were counted before: run get_data again'],
    [
      [2],
      {
        columns: [
          { name: 'x', type: 'number' as const },
          { name: 'y', type: 'category' as const },
        ],
      },
      'data.csv, row 3 (line 4), column "x": "many" is not a number',
    ],
  ])('refuses batches %j with %j', (batches, options, sentence) => {
    expect(() => cutText('x,y\n1,p\n2,p\nmany,p\n', batches, options)).toThrow(sentence);
  });
});

describe('BatchSpill', () => {
  const spilling = fc.tuple(fc.nat(200), fc.nat(99), fc.oneof(fc.nat(300), fc.constant(1 << 20)));
  // Some rows are longer than what is returned at a time.
  const textOf = (place: number): string => `row ${place} ${'x'.repeat(place)}`;

  /** Adds `n` rows in some order to three batches. Reports the bytes that each row takes. */
  function fill(spill: BatchSpill, n: number, seed: number, report?: (bytes: number) => void) {
    for (const place of permuteRows(n, seed)) {
      const row = Buffer.from(`<${textOf(place)}>`);
      spill.add(place % 3, Math.floor(place / 3), row, 1, row.length - 1);
      // A mark of 8 bytes and a line break.
      report?.(8 + row.length - 2 + 1);
    }
  }

  it('returns the rows of every batch in order, in few pieces, however little it may hold', () => {
    fc.assert(
      fc.property(spilling, ([n, seed, most]) => {
        const files = memoryFiles();
        const spill = new BatchSpill(files, String, { most, piece: 100 });
        fill(spill, n, seed);
        const all = Array.from({ length: n }, (_, place) => place);
        for (const batch of [0, 1, 2]) {
          const pieces = Array.from(spill.take(batch), (piece) => Buffer.from(piece));
          const texts = all.filter((place) => place % 3 === batch).map((at) => `${textOf(at)}\n`);
          expect(Buffer.concat(pieces).toString()).toBe(texts.join(''));
          expect(spill.countRows(batch)).toBe(texts.length);
          // Each piece is a long row, or as many rows as fit.
          for (const piece of pieces) expect(piece.length).toBeGreaterThan(0);
          for (const piece of pieces.filter(({ length }) => length > 100))
            expect(texts).toContain(piece.toString());
          for (const [i, piece] of pieces.slice(1).entries())
            expect(pieces[i]!.length + piece.length).toBeGreaterThan(100);
          expect(files.has(String(batch))).toBe(false);
        }
      }),
    );
  });

  it('writes rows to files when it holds more bytes than it may, and not before', () => {
    fc.assert(
      fc.property(spilling, ([n, seed, most]) => {
        const files = memoryFiles();
        let [added, appended, held] = [0, 0, 0];
        const append = (path: string, bytes: Uint8Array): void => {
          expect(bytes.length).toBeGreaterThan(0);
          appended += bytes.length;
          files.append(path, bytes);
        };
        const spill = new BatchSpill({ ...files, append }, String, { most });
        fill(spill, n, seed, (bytes) => {
          added += bytes;
          held = held + bytes > most ? 0 : held + bytes;
          expect(appended).toBe(added - held);
        });
      }),
    );
  });
});

describe('FileWriter', () => {
  it('writes all bytes in order, and the longest pieces without a copy', () => {
    const MB = 1 << 20;
    const files = memoryFiles(8 * MB);
    const lengths = [5, MB - 5, 1, MB + 1, 2, MB, MB - 1, 1, 3];
    const writes: number[] = [];
    const append = (path: string, bytes: Uint8Array): void => {
      writes.push(bytes.length);
      files.append(path, bytes);
    };
    const writer = new FileWriter('out', { ...files, append });
    const pieces = lengths.map((length, i) => Buffer.alloc(length, i));
    for (const piece of pieces) writer.add(piece);
    writer.end();
    const [found] = files.read('out');
    expect(Buffer.concat(pieces).equals(found!)).toBe(true);
    expect(writes).toEqual([MB, 1, MB + 1, 2, MB, MB, 3]);
  });
});
