import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEncoder } from '../../../pipeline/features/matrix.ts';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { conformBatch } from '../../../pipeline/batches/conform.ts';
import { mergeCounts } from '../../../pipeline/features/counts.ts';
import { encoderFromJson, fitEncoder } from '../../../pipeline/features/encoder.ts';
import { encodePart, fitFromCounts as fitTask } from '../../../pipeline/features/part-tasks.ts';
import { cellsOf, csv, encode, CELLS, mixed, mixedColumns, mixedRows } from '../support.ts';

const first: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'c', type: 'category' },
  { name: 'y', type: 'category' },
];
const later: Column[] = [
  ...first,
  { name: 'z', type: 'number', since: 2 },
  { name: 'w', type: 'category', since: 2 },
];
const all = { testSize: 1e-12 };
const before = encode(csv('n,c,y\n1,a,p\n2,b,q\n'), first, all);
const after = encode(csv('n,c,y,z,w\n3,a,p,7,u\n4,b,q,9,v\n'), later, all);

describe('a column that a later batch brings', () => {
  it('is taken in with its type, behind those that are known', () => {
    const whole = conformBatch({
      bytes: Buffer.from('z,n,c,w,y,v\n7,1,a,u,p,\n9,2,b,x,q,\n'),
      file: 'may.csv',
      columns: first,
      target: 'y',
      key: null,
      cells: CELLS,
      contract: { newColumn: 'adapt', missingColumn: 'fail' },
      delimiter: ',',
    });
    expect(Buffer.from(whole.bytes).toString()).toBe('n,c,y,z,w,v\n1,a,p,7,u,\n2,b,q,9,x,\n');
    expect(whole.added).toEqual([
      { name: 'z', type: 'number' },
      { name: 'w', type: 'category' },
    ]);
    expect(whole.warnings).toEqual([
      'may.csv adds column "z", "w", "v": a feature from this batch on, and missing in earlier ones',
      'may.csv: column "v" holds no known value, and is left out until a later batch has one',
    ]);
  });

  it('is missing in the batches before it', () => {
    const counts = mergeCounts(before.counts, after.counts);
    expect(mergeCounts(after.counts, before.counts)).toEqual(counts);
    expect(counts.train.columns.slice(2)).toEqual([
      {
        name: 'z',
        type: 'number',
        missing: 2,
        bits: 52,
        values: { distinct: Float64Array.of(7, 9), times: Float64Array.of(1, 1) },
      },
      {
        name: 'w',
        type: 'category',
        missing: 2,
        words: [
          ['u', 1],
          ['v', 1],
        ],
      },
    ]);
    const { encoder } = fitEncoder(counts, later, 'y', { missing: 'impute' });
    expect(applyEncoder(encoder, before.train).columns.slice(2)).toEqual([
      Float64Array.of(8, 8),
      Float64Array.of(0, 0),
    ]);
    const { encoder: strict } = fitEncoder(counts, later, 'y', { missing: 'drop' });
    expect(applyEncoder(strict, before.train)).toMatchObject({ rows: 0, dropped: 2 });
    expect(applyEncoder(strict, after.train)).toMatchObject({ rows: 2, dropped: 0 });
  });

  it('moves no row to the other side', () => {
    const wider: Column[] = [...mixedColumns, { name: 'z', type: 'category', since: 2 }];
    fc.assert(
      fc.property(mixedRows, (rows) => {
        const narrow = encode(mixed(rows), mixedColumns);
        const header = wider.map(({ name }) => name);
        const cells = rows.map((row, i) => [...row, String(i)]);
        const wide = encode({ header, rows: cells }, wider);
        const { z, ...others } = cellsOf(wide.test);
        expect(others).toEqual(cellsOf(narrow.test));
        expect(z).toHaveLength(wide.test.table.numRows());
      }),
    );
  });

  it('stays unknown to a version before it', () => {
    const { encoder } = fitEncoder(before.counts, first, 'y', { missing: 'impute' });
    expect(() => applyEncoder(encoder, after.train)).toThrow('the part has columns');
  });
});

describe('a word that a later batch brings', () => {
  const part = (batch: number, text: string, columns = first) => {
    const bytes = Buffer.from(text);
    const options = { target: 'y', cells: CELLS, testSize: 1e-12, key: null };
    const { train, test, counts } = encodePart({ bytes, file: 'b', columns, ...options });
    return { files: { batch, parts: [train, test] }, counts };
  };
  const one = part(1, 'n,c,y\n1,a,p\n2,b,q\n2,b,q\n');
  const two = part(2, 'n,c,y\n1,a,p\n3,new,q\n4,new,q\n5,new,late\n');
  const fit = (rule: 'fail' | 'ignore', fresh = two, columns = first, known = [one.files]) =>
    fitTask({
      counts: [one.counts, fresh.counts],
      columns,
      target: 'y',
      testSize: 1e-12,
      missing: 'impute',
      until: 2,
      dateParts: [],
      what: 'version 2',
      words: { rule, known, fresh: [fresh.files] },
    });

  it('is refused with a sentence', () => {
    expect(() => fit('fail')).toThrow(
      'batch 2 has "new" in column "c", which the first batch does not have: correct the cells, or set data.on_new_category to ignore or adapt',
    );
    expect(() => fit('fail', part(2, 'n,c,y\n5,a,late\n'))).toThrow(
      'batch 2 has "late" in column "y", the target, which the first batch does not have',
    );
    const known = fit('fail', part(2, 'n,c,y\n5,b,p\n'));
    expect(known.trainRows).toBe(4);
    // No row is left out for its label.
    expect(encoderFromJson(known.encoder)).not.toHaveProperty('labels');
  });

  it('is left out, and rows with a label that is new', () => {
    const { encoder: bytes, warnings } = fit('ignore');
    expect(warnings.slice(0, 2)).toEqual([
      'batch 2 has "new" in column "c", not known from the first batch: the model reads them as missing',
      'batch 2 has "late" in column "y", not known from the first batch: rows with such a label are left out',
    ]);
    const encoder = encoderFromJson(bytes);
    expect(encoder).toMatchObject({
      classes: ['p', 'q'],
      labels: ['p', 'q'],
      features: [{}, { categories: ['a', 'b'], most_frequent: 'a' }],
    });
    const { train } = encode(csv('n,c,y\n1,a,p\n3,new,q\n5,new,late\n'), first, all);
    expect(applyEncoder(encoder, train)).toMatchObject({
      rows: 2,
      columns: [Float64Array.of(1, 3), Float64Array.of(0, 0)],
      labels: ['p', 'q'],
      dropped: 0,
    });
  });

  it('is known in a column that came with it', () => {
    const wide = part(2, 'n,c,y,z,w\n3,a,p,7,u\n', later);
    expect(fit('fail', wide, later, [one.files, wide.files]).features).toBe(4);
  });
});
