import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../../pipeline/batches/columns.ts';
import { CellRule, type CellSettings } from '../../../pipeline/csv/cells.ts';
import { CsvReader } from '../../../pipeline/csv/reader.ts';
import { formatRow } from '../../../pipeline/csv/write.ts';
import { encodeBatch } from '../../../pipeline/features/encode.ts';
import { type Encoder, encoderToJson, fitEncoder } from '../../../pipeline/features/encoder.ts';
import { applyEncoder } from '../../../pipeline/features/matrix.ts';
import { estimatorOf } from '../../../pipeline/models/estimators.ts';
import { openReaders, UNREADABLE } from '../../../pipeline/predictions/feature-reader.ts';
import { Predictor } from '../../../pipeline/predictions/predictor.ts';
import { readCellCases } from '../../support/cell-cases.ts';

const cells: CellSettings = { missing: ['', 'NA', '-999'] };
const columns: Column[] = [
  { name: 'n', type: 'number' },
  { name: 'w', type: 'category' },
  { name: 'd', type: 'date' },
  { name: 'y', type: 'category' },
];
const HEADER = columns.map(({ name }) => name);

type Row = [n: string, w: string, d: string, y: string];

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('', 'NA', '-999', '-999.0', '+.5', '1E5', ' 7 ', '00123'),
);
const word = fc.constantFrom('red', 'blue', ' red ', 'käse', '', 'NA', 'TRUE', '7', '7.0');
const date = fc.constantFrom('2024-02-29', '2024-02-29T12:30', '1969-12-31', '', 'NA');
const row: fc.Arbitrary<Row> = fc.tuple(number, word, date, fc.constantFrom('1', '2'));

function encode(rows: readonly Row[]) {
  const csv = [HEADER, ...rows].map((line) => formatRow(line)).join('\n');
  const options = { target: 'y', cells, testSize: 1e-12, key: null, dateParts: ['month'] as const };
  return encodeBatch(new CsvReader([Buffer.from(csv)], 'rows.csv'), columns, options);
}

function fitOn(rows: readonly Row[]): Encoder {
  const { counts } = encode(rows);
  return fitEncoder(counts, columns, 'y', { missing: 'impute', dateParts: ['month'] }).encoder;
}

async function trainOn(rows: readonly Row[], onNewCategory = 'adapt'): Promise<Predictor> {
  const encoder = fitOn(rows);
  const estimator = estimatorOf({ type: 'decision_tree' });
  const params = estimator.params('classification').parse({});
  const matrix = applyEncoder(encoder, encode(rows).train);
  const fitted = await estimator.fit(matrix, encoder, params, {});
  const bytes = Buffer.concat([...fitted.serialise()]);
  return new Predictor({
    type: 'decision_tree',
    model: { size: bytes.length, read: () => [bytes] },
    encoder: encoderToJson(encoder),
    cells,
    rejectsUnseen: onNewCategory === 'fail',
  });
}

const TRAIN: Row[] = [
  ['1', 'red', '2024-01-01', '1'],
  ['2', 'blue', '2024-01-02', '1'],
  ['8', '7', '2024-02-03', '2'],
  ['9', 'TRUE', '2024-02-04', '2'],
];

describe('raw rows', () => {
  it('are encoded as training encodes them, whatever a cell holds', () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 20 }),
        fc.array(row, { minLength: 1, maxLength: 20 }),
        (train, asked) => {
          const encoder = fitOn(train);
          const expected = applyEncoder(encoder, encode(asked).train);
          const readers = openReaders(encoder, new CellRule(cells), false);
          const places = readers.map(({ column }) => HEADER.indexOf(column));
          for (const [f, reader] of readers.entries())
            expect(asked.map((one) => reader.readText(one[places[f]!]!))).toEqual([
              ...expected.columns[f]!,
            ]);
        },
      ),
    );
  });

  it('have the numbers of the rule that Python reads cells by', () => {
    const cases = readCellCases();
    const feature = { name: 'n', type: 'number', median: 0.123 } as const;
    const encoder = { schema: 2, target: 'y', missing: 'impute', features: [feature] } as const;
    const [reader] = openReaders(encoder, new CellRule(cases.settings), false);
    for (const [cell, value] of cases.cells) {
      const wanted =
        value === 'missing' ? feature.median : value === 'not a number' ? UNREADABLE : value;
      expect([cell, reader!.readText(cell)]).toEqual([cell, wanted]);
    }
  });
});

describe('values that are not text', () => {
  const encoder = fitOn(TRAIN);
  const [n, w, d, month] = openReaders(encoder, new CellRule(cells), false);
  const code = (text: string): number => w!.readText(text);

  it('are the words that have this value', () => {
    expect(w!.readValue(7)).toBe(code('7'));
    expect(w!.readValue(7n)).toBe(code('7'));
    expect(w!.readValue(true)).toBe(code('TRUE'));
    for (const missing of [null, undefined, Number.NaN, new Date(Number.NaN)])
      expect(w!.readValue(missing)).toBe(code(''));
    for (const wrong of [{}, []]) expect(w!.readValue(wrong)).toBe(UNREADABLE);
  });

  it('are found by the rule of the pipeline, as in Python', () => {
    const read = (settings: CellSettings, categories: string[], value: unknown) => {
      const most_frequent = categories[0]!;
      const feature = { name: 'w', type: 'category', categories, most_frequent } as const;
      const words = { schema: 1, target: 'y', missing: 'impute', features: [feature] } as const;
      return openReaders(words, new CellRule(settings), false)[0]!.readValue(value);
    };
    expect(read({ missing: [''], decimal: ',' }, ['0,5', '1,5'], 1.5)).toBe(1);
    const thousands = { missing: [''], thousands: '.', decimal: ',' } as const;
    expect(read(thousands, ['0', '1.000'], 1000)).toBe(1);
    expect(read(thousands, ['0', '1.000'], 1)).toBe(-1);
    expect(read({ missing: ['-999'] }, ['0', '-999.0'], -999)).toBe(0); // missing, so the most frequent
    expect(read({ missing: [''] }, ['007', '7.0', 'x'], 7)).toBe(1);
    expect(read({ missing: [''] }, ['07', '7.00'], 7)).toBe(0);
    expect(read({ missing: [''] }, ['TRUE', 'true'], true)).toBe(0);
    expect(read({ missing: [''] }, ['False alarm', 'a false', 'false'], false)).toBe(2);
    const day = new Date('2024-02-03T00:00:00Z');
    for (const text of ['2024-02-03', '2024-02-03T00:00:00', '2024-02-03T00:00:00Z'])
      expect(read({ missing: [''] }, ['0', text], day)).toBe(1);
    expect(read({ missing: [''] }, ['0', '2024-02-03T00:00:00.000Z'], day)).toBe(1);
    expect(read({ missing: [''] }, ['0', '2024-02-03'], new Date(day.getTime() + 1))).toBe(-1);
    const half = new Date('2024-02-03T10:30:00Z');
    for (const text of ['2024-02-03 10:30:00', '2024-02-03T10:30', '2024-02-03T12:30+02:00'])
      expect(read({ missing: [''] }, ['0', text], half)).toBe(1);
    const both = ['2024-02-03T00:00:00.000Z', '2024-02-03T00:00:00Z'];
    expect(read({ missing: [''] }, both, day)).toBe(1);
  });

  it('are the same dates as their text, to the last bit', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        (time) => {
          expect(d!.readValue(time)).toBe(d!.readText(time.toISOString()));
        },
      ),
    );
  });

  it('are the cells of text before they are encoded', () => {
    expect([7, 7n, '7', ' 7 '].map((value) => w!.readCell(value))).toEqual(['7', '7', '7', '7']);
    expect([true, 'TRUE'].map((value) => w!.readCell(value))).toEqual(['TRUE', 'TRUE']);
    expect(w!.readCell('green')).toBe('green');
    expect(['7', '+7.0', 7, 7n].map((value) => n!.readCell(value))).toEqual([7, 7, 7, 7]);
    expect(d!.readCell(' 2024-02-03 ')).toBe('2024-02-03');
    expect(d!.readCell(new Date('2024-02-03'))).toBe('2024-02-03T00:00:00.000Z');
    for (const tooLarge of [Infinity, -Infinity, 10n ** 400n])
      expect(n!.readCell(tooLarge)).toBeNull();
    for (const reader of [n, w, d])
      for (const missing of [null, undefined, Number.NaN, 'NA', {}, new Date(Number.NaN)])
        expect(reader!.readCell(missing)).toBeNull();
    const zeros = {
      name: 'w',
      type: 'category',
      categories: ['007'],
      most_frequent: '007',
    } as const;
    const words = { schema: 1, target: 'y', missing: 'impute', features: [zeros] } as const;
    const [zeroReader] = openReaders(words, new CellRule(cells), false);
    expect([7, '007'].map((value) => zeroReader!.readCell(value))).toEqual(['007', '007']);
  });

  it('are numbers, missing where they mean that, and unreadable where they are neither', () => {
    expect(n!.readValue(-0)).toBe(0);
    expect(n!.readValue('+.5')).toBe(0.5);
    for (const missing of [null, undefined, Number.NaN, -999, 'NA'])
      expect(n!.readValue(missing)).toBe(n!.readText(''));
    for (const wrong of [true, Infinity, -Infinity, {}, [], 'two'])
      expect(n!.readValue(wrong)).toBe(UNREADABLE);
  });

  it('are dates, whole or in part', () => {
    const day = new Date('2024-02-03T00:00:00Z');
    expect(d!.readValue(day)).toBe(d!.readText('2024-02-03'));
    expect(month!.readValue(day)).toBe(2);
    for (const reader of [d!, month!]) {
      expect(reader.readValue(' 2024-02-03 ')).toBe(reader.readValue(day));
      for (const missing of [null, undefined, 'NA', new Date(Number.NaN)])
        expect(reader.readValue(missing)).toBe(reader.readText(''));
      for (const wrong of [20, 'yesterday', {}]) expect(reader.readValue(wrong)).toBe(UNREADABLE);
    }
  });
});

describe('a predictor', () => {
  const ask = (predictor: Predictor, rows: readonly Row[]) =>
    predictor.predict(rows.length, (reader, at) =>
      reader.readText(rows[at]![HEADER.indexOf(reader.column)]!),
    );

  it('predicts labels in their type, with the share of every class', async () => {
    const predictor = await trainOn(TRAIN);
    expect(predictor.classes).toEqual([1, 2]);
    const { predictions, shares } = ask(predictor, TRAIN);
    expect(predictions).toEqual([1, 1, 2, 2]);
    expect(shares).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ]);
  });

  it('answers shares of at most 1, although ml-cart adds rounded parts', async () => {
    const rows = Array.from({ length: 40 }, (_, i): Row => [
      String(i),
      'red',
      '',
      i < 20 ? '1' : '2',
    ]);
    expect(ask(await trainOn(rows), [rows[0]!, rows[39]!]).shares).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('names each column that it reads once, a date with parts too', async () => {
    const { columns: read } = await trainOn(TRAIN);
    expect(read).toEqual([
      { name: 'n', type: 'number' },
      { name: 'w', type: 'category' },
      { name: 'd', type: 'date' },
    ]);
  });

  it('gives no prediction for a row that it cannot read, and predicts the others', async () => {
    const predictor = await trainOn(TRAIN);
    const { predictions, unreadable } = ask(predictor, [
      ['1', 'red', '2024-01-01', ''],
      ['one', 'red', 'yesterday', ''],
      ['9', 'red', '2024-01-01', ''],
    ]);
    expect(predictions).toEqual([1, null, 2]);
    expect(unreadable).toEqual([{ row: 1, column: { name: 'n', type: 'number' } }]);
  });

  it('counts unseen words, and refuses them where the pipeline does', async () => {
    const rows: Row[] = [
      ['1', 'green', '2024-01-01', ''],
      ['9', 'green', '2024-01-01', ''],
    ];
    const lenient = await trainOn(TRAIN);
    expect(ask(lenient, rows).predictions).toEqual([1, 2]);
    expect(lenient.unseen).toEqual(new Map([['w', new Map([['green', 2]])]]));
    const strict = await trainOn(TRAIN, 'fail');
    expect(ask(strict, rows).unreadable.map(({ column }) => column.name)).toEqual(['w', 'w']);
  });

  it('counts the first 100 unseen words of a column, and no others', () => {
    const encoder = fitOn(TRAIN);
    const reader = openReaders(encoder, new CellRule(cells), false)[1]!;
    const words = Array.from({ length: 102 }, (_, i) => `word ${i}`);
    for (const text of [...words, ...words]) reader.readText(text);
    expect(reader.unseen).toEqual(new Map(words.slice(0, 100).map((text) => [text, 2])));
  });

  it('names the first cell of each row that it cannot read, in the order of the rows', async () => {
    const { unreadable } = ask(await trainOn(TRAIN), [
      ['1', 'red', 'yesterday', ''],
      ['one', 'red', 'yesterday', ''],
      ['1', 'red', 'today', ''],
    ]);
    expect(unreadable.map(({ row: at, column }) => [at, column.name])).toEqual([
      [0, 'd'],
      [1, 'n'],
      [2, 'd'],
    ]);
  });

  it('has one array of shares for all rows of a leaf', async () => {
    const { shares } = ask(await trainOn(TRAIN), TRAIN);
    expect(shares![1]).toBe(shares![0]);
  });

  const baseline = (distribution: number | number[][], classes?: string[]): Predictor => {
    const name = classes === undefined ? 'DTRegression' : 'DTClassifier';
    const bytes = Buffer.from(JSON.stringify({ name, root: { distribution } }));
    const features = fitOn(TRAIN).features.slice(0, 1);
    const encoder = { schema: 2, target: 'y', missing: 'impute', features } as const;
    return new Predictor({
      type: 'baseline',
      model: { size: bytes.length, read: () => [bytes] },
      encoder: encoderToJson({ ...encoder, classes }),
      cells,
      rejectsUnseen: false,
    });
  };

  it('predicts numbers without shares in a regression, null for rows that it cannot read', () => {
    const predictor = baseline(2.5);
    expect(predictor).toMatchObject({ task: 'regression', classes: undefined });
    expect(ask(predictor, [TRAIN[0]!, ['one', '', '', '']])).toEqual({
      predictions: [2.5, null],
      unreadable: [{ row: 1, column: { name: 'n', type: 'number' } }],
    });
  });

  it('writes a label as the data does, and a number of a regression as it is', () => {
    const predictor = baseline([[0.25, 0.75]], ['1.50', '7']);
    expect(predictor.classes).toEqual([1.5, 7]);
    expect([1.5, 7].map((label) => predictor.findWord(label))).toEqual(['1.50', '7']);
    expect(baseline(2.5).findWord(2.5)).toBe('2.5');
  });

  it('reads the cell of a column without encoding it', async () => {
    const predictor = await trainOn(TRAIN);
    expect(predictor.readCell('n', ' 1.50 ')).toBe(1.5);
    expect(predictor.readCell('w', ' green ')).toBe('green');
    expect(predictor.readCell('d', '2024-02-03')).toBe('2024-02-03');
  });
});
