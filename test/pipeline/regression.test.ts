import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encoderFromJson } from '../../pipeline/features/encoder.ts';
import { inferColumns } from '../../pipeline/batches/infer.ts';
import { CsvReader } from '../../pipeline/csv/reader.ts';
import { parseParams } from '../../contract/params.ts';
import { paramsSchema } from '../../pipeline/models/params.ts';
import type { Prediction } from '../../pipeline/models/estimator.ts';
import { loadTree } from '../../pipeline/models/stored-tree.ts';
import { tasks } from '../../compute/tasks.ts';
import { errorImportance } from '../../pipeline/models/cart/importance.ts';
import { fitRegression } from './models/trees.ts';
import { memoryFiles } from './files.ts';
import { checkTestRows, CELLS, sha256 } from './support.ts';

const { DecisionTreeRegression } = createRequire(import.meta.url)('ml-cart') as {
  DecisionTreeRegression: { load: (model: unknown) => { predict: (rows: number[][]) => number[] } };
};
const knobs = { max_depth: 4, min_samples_split: 2, min_samples_leaf: 1, min_gain: 0 };

const typed = (text: string, declared = {}) =>
  inferColumns(new CsvReader([Buffer.from(text)], 'homes.csv'), {
    target: 'price',
    declared,
    cells: CELLS,
    task: 'regression',
  });

/** Homes whose price is a step of their size; one has none, and one lacks its size. */
const homes = [
  'size,kind,price',
  ...Array.from({ length: 60 }, (_, i) => `${i},${'ab'[i % 2]},${i < 30 ? 100 : 200 + (i % 2)}`),
  '7,a,',
  ',b,150',
].join('\n');

async function built(text: string) {
  const { columns } = typed(text);
  const part = tasks.encodePart({
    bytes: Buffer.from(`${text}\n`),
    file: 'homes.csv',
    columns,
    target: 'price',
    cells: CELLS,
    testSize: 0.2,
    key: null,
  });
  const encoded = tasks.fitFromCounts({
    counts: [part.counts],
    columns,
    target: 'price',
    testSize: 0.2,
    missing: 'impute',
    until: 1,
    dateParts: [],
    what: 'version 1',
  });
  const files = memoryFiles();
  const model = { task: 'regression', type: 'decision_tree', ...knobs } as const;
  const input = { parts: [part.train], encoder: encoded.encoder, model, into: 'model.json' };
  await tasks.fitModel(input, undefined, { files });
  const scored = await tasks.evaluateModel(
    {
      batch: 1,
      type: 'decision_tree',
      model: 'model.json',
      encoder: encoded.encoder,
      parts: [part.test],
      names: ['test'],
      check: checkTestRows([part.test], [part.train], encoded.encoder),
      split: { key: null },
    },
    undefined,
    { files },
  );
  return { part, encoded, text: files.text('model.json'), scored };
}

describe('a target of numbers', () => {
  it('is refused with its row where a cell is none, and where it is declared words', () => {
    expect(() => typed('size,price\n1,10\n2,cheap\n')).toThrow(
      'homes.csv, row 2 (line 3), column "price": "cheap" is not a number, and a regression (model.task) predicts numbers; correct the cell',
    );
    expect(() => typed('size,price\n1,10\n', { price: 'category' })).toThrow(
      'data.columns declares "price" of homes.csv a category, and a regression',
    );
    expect(() => typed('size,price\n1,\n')).toThrow('no row with a label in "price"');
  });

  it('is typed a number, with a word where it never changes', () => {
    const column = { name: 'price', type: 'number' };
    expect(typed('size,price\n1,10\n2,1e3\n3,\n')).toMatchObject({
      columns: [{}, column],
      warnings: [],
    });
    expect(typed('size,price\n1,10\n2,10\n').warnings).toEqual([
      'homes.csv: "price" is 10 in every row, so every model predicts that value',
    ]);
  });

  it('goes through encoding, fitting and scoring', async () => {
    const { part, encoded, scored } = await built(homes);
    expect(part.warnings).toEqual(['1 rows without a label are left out']);
    expect(encoderFromJson(encoded.encoder)).not.toHaveProperty('classes');
    expect([encoded.classes, encoded.warnings]).toEqual([undefined, []]);
    const metrics = JSON.parse(Buffer.from(scored.metrics).toString()) as Record<string, number>;
    expect(metrics['r2']).toBeGreaterThan(0.95);
    expect(metrics['rmse_low']).toBeLessThanOrEqual(metrics['rmse']!);
    expect(metrics['new_batch']).toMatchObject({ rmse: metrics['rmse'] });
    expect(scored.facts).toEqual({
      rmse: metrics['rmse'],
      test_rows: metrics['test_rows'],
      train_rows_checked: part.trainRows,
      scored_by: 'ml-cart',
    });
    const page = Buffer.from(scored.report).toString();
    expect(page).toContain('Predicted against actual');
    expect(page).toMatch(/Root mean squared error<\/dt><dd>\d+\.\d{4}<small>95 % interval/);
    expect(page).toContain('<title>Predicted against actual numbers');
    expect(page).not.toMatch(/NaN|undefined|Right and wrong/);
  });

  it('makes a model that ml-cart loads and that predicts there as here, and says what features are worth', async () => {
    const { text } = await built(homes);
    const rows = Array.from({ length: 70 }, (_, i) => [i - 5, i % 2]);
    const stored = { size: text.length, read: () => [Buffer.from(text)] };
    const read = loadTree('A tree', stored, 'regression', 'the model');
    const columns = [0, 1].map((c) => Float64Array.from(rows, (row) => row[c]!));
    const predicted = read.predict({ rows: rows.length, columns });
    const ours = [...(predicted as Extract<Prediction, { numbers: unknown }>).numbers];
    expect(DecisionTreeRegression.load(JSON.parse(text)).predict(rows)).toEqual(ours);
    const [size, kind] = read.importance(2)!;
    expect(size! + kind!).toBeCloseTo(1);
    expect(size).toBeGreaterThan(0.9);
  });

  it('is the same to the last byte again', async () => {
    const [one, two] = [await built(homes), await built(homes)];
    expect(sha256(one.scored.report)).toBe(sha256(two.scored.report));
    expect(one.text).toBe(two.text);
  });
});

describe('feature importance of a regression', () => {
  it("is scikit-learn's", () => {
    const file = new URL('fixtures/trees/diabetes.json', import.meta.url);
    const { columns, targets, trees } = JSON.parse(readFileSync(file, 'utf8')) as {
      columns: number[][];
      targets: number[];
      trees: { knobs: { max_depth: number | null }; importance: number[] }[];
    };
    const even = (_: unknown, row: number): boolean => row % 2 === 0;
    const kept = columns.map((column) => Float64Array.from(column.filter(even), Math.fround));
    const theirs = trees.find((tree) => tree.knobs.max_depth === 4)!.importance;
    const { grown } = fitRegression(
      { columns: kept },
      Float64Array.from(targets.filter(even)),
      knobs,
    );
    // Two features part the rows of one node alike, and scikit-learn draws one of them.
    const joinAlike = ([a, ...rest]: readonly number[]): number[] => [
      a! + rest[7]!,
      ...rest.filter((_, i) => i !== 7),
    ];
    expect(joinAlike(errorImportance(grown, kept.length))).toEqual(
      joinAlike(theirs).map((share) => expect.closeTo(share, 10) as number),
    );
  });
});

describe('model.task', () => {
  const parsed = (model: object) => parseParams(paramsSchema, { model }, 'params').model;

  it('is classification by default, and bounds min_gain where it is', () => {
    expect(parsed({}).task).toBe('classification');
    expect(parsed({ task: 'regression', min_gain: 50 }).min_gain).toBe(50);
    expect(() => parsed({ min_gain: 50 })).toThrow(
      'params: model.min_gain is 50: expected at most 1, as no impurity of classes is greater',
    );
  });
});
