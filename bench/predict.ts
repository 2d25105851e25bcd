/**
 * Measures the rows that our flat tree, ml-cart and scikit-learn predict in a processor second, on one thread,
 * with trees over the same rows that have from a few to fifty thousand leaves. `npm run bench:predict [-- --quick]`.
 * Each gets its fastest input: ours columns (the result is an array of class indexes), ml-cart rows, and
 * scikit-learn float32 rows.
 *
 * Then the seconds from a CSV file to a CSV file of predictions, beside pandas and scikit-learn.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DecisionTreeClassifier } from 'ml-cart';
import { formatTable as print } from '../client/format.ts';
import type { Column } from '../pipeline/batches/columns.ts';
import { CsvReader } from '../pipeline/csv/reader.ts';
import { encodeBatch } from '../pipeline/features/encode.ts';
import { encoderToJson, fitEncoder } from '../pipeline/features/encoder.ts';
import { applyEncoder } from '../pipeline/features/matrix.ts';
import { estimatorOf } from '../pipeline/models/estimators.ts';
import { fitClasses } from '../pipeline/models/cart/fit.ts';
import { writeTree } from '../pipeline/models/cart/fitted-tree.ts';
import { loadTree } from '../pipeline/models/stored-tree.ts';
import { digits, spreadOf, times, took, type Took } from './measure.ts';
import type { CsvJob } from './predict/csv.ts';
import { keepResults } from './results.ts';
import { makeTable, type Table, writeTable } from './tree-data.ts';
import { runAlone, runSklearn } from './run-script.ts';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const trees = [
  { rows: 10_000, width: 20, max_depth: 5 },
  { rows: 100_000, width: 20, max_depth: null },
  { rows: 400_000, width: 4, max_depth: null },
];
const predictedRows = values.quick ? 100_000 : 500_000;
/** Rows for ml-cart, which is so slow that few are enough. */
const ROWS_FOR_ML_CART = 20_000;
const repeats = 7;
const csvRepeats = values.quick ? 1 : 5;
const NAMES = ['a', 'b', 'c', 'd'];
const CSV_DEPTH = 10;

function rowsOf({ columns }: Table, rows: number): number[][] {
  return Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
}

/** Rows for each second: the median of several repeats. */
async function speedOf(rows: number, run: () => unknown): Promise<number> {
  const speeds: number[] = [];
  for (let i = 0; i < repeats; i++) speeds.push(rows / (await took(run)).cpu);
  return spreadOf(speeds).median;
}

const folder = mkdtempSync(join(tmpdir(), 'bench-predict-'));
try {
  const measured = [];
  for (const { rows, width, max_depth } of trees) {
    const [train, test] = [makeTable(rows, width, 1), makeTable(predictedRows, width, 2)];
    const params = { max_depth: max_depth ?? Infinity, min_samples_split: 2, min_gain: 0 };
    const model = fitClasses(train.columns, train.classes, 3, params);
    const files = { train: join(folder, 'train'), test: join(folder, 'test') };
    writeTable(files.train, train);
    writeTable(files.test, test);
    const job = {
      width,
      max_depth,
      repeats,
      train: { file: files.train, rows },
      test: { file: files.test, rows: predictedRows },
    };
    const sklearn = runSklearn('predict_sklearn.py', job) as { speeds: number[] };
    const json = Buffer.concat([...writeTree(model)]);
    const ours = loadTree('', { size: Infinity, read: () => [json] }, 'classification', 'the tree');
    const loaded = DecisionTreeClassifier.load(JSON.parse(json.toString()));
    const few = rowsOf(test, ROWS_FOR_ML_CART);
    measured.push({
      trained_rows: rows,
      width,
      leaves: model.grown.measure().leaves,
      ours: await speedOf(predictedRows, () => ours.predict(test)),
      sklearn: spreadOf(sklearn.speeds).median,
      ml_cart: await speedOf(ROWS_FOR_ML_CART, () => loaded.predict(few)),
    });
  }
  const head = ['leaves', 'columns', 'ours rows/s', 'scikit-learn', '×', 'ml-cart', '×'];
  const body = measured.map(({ leaves, width, ours, sklearn, ml_cart }) => [
    leaves,
    width,
    digits(ours),
    digits(sklearn),
    times(ours, sklearn),
    digits(ml_cart),
    times(ours, ml_cart),
  ]);
  process.stdout.write(`${print(head, body)}\n`);
  const csv = await measureCsv(folder);
  const [load] = loadavg();
  const sides = [
    ['ours', csv.ours],
    ['pandas and scikit-learn', csv.sklearn],
  ] as const;
  process.stdout.write(
    `\n${print(
      ['CSV to CSV', 'rows/s', 'rows/processor s'],
      sides.map(([name, { wall, cpu }]) => [
        name,
        digits(predictedRows / wall),
        digits(predictedRows / cpu),
      ]),
    )}\n`,
  );
  keepResults('predict', {
    unit: 'rows a processor second, median',
    rows: predictedRows,
    measured,
  });
  keepResults('predict_csv', { unit: 'seconds, median', rows: predictedRows, load, ...csv });
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Seconds from a CSV file to a CSV file of predictions, with trees over the same rows, each in its own process. */
async function measureCsv(into: string): Promise<Record<'ours' | 'sklearn', Took>> {
  const [train, test] = [makeTable(50_000, 4, 1), makeTable(predictedRows, 4, 2)];
  const path = (name: string): string => join(into, name);
  const cells = (table: Table, row: number): string[] =>
    table.columns.map((column) => column[row]!.toFixed(6));
  const trainCsv = [
    [...NAMES, 'label'],
    ...Array.from({ length: train.rows }, (_, row) => [
      ...cells(train, row),
      `class ${train.classes[row]}`,
    ]),
  ];
  const testCsv = [NAMES, ...Array.from({ length: test.rows }, (_, row) => cells(test, row))];
  writeFileSync(path('train.csv'), `${trainCsv.map((row) => row.join()).join('\n')}\n`);
  writeFileSync(path('rows.csv'), `${testCsv.map((row) => row.join()).join('\n')}\n`);
  const columns = [...NAMES, 'label'].map((name): Column => ({
    name,
    type: name === 'label' ? 'category' : 'number',
  }));
  const reader = new CsvReader([readFileSync(path('train.csv'))], 'train.csv');
  const part = encodeBatch(reader, columns, {
    target: 'label',
    cells: { missing: [''] },
    testSize: 1e-12,
    key: null,
  });
  const { encoder } = fitEncoder(part.counts, columns, 'label', { missing: 'impute' });
  const estimator = estimatorOf({ type: 'decision_tree' });
  const params = estimator.params('classification').parse({ max_depth: CSV_DEPTH });
  const fitted = await estimator.fit(applyEncoder(encoder, part.train), encoder, params, {});
  writeFileSync(path('encoder.json'), encoderToJson(encoder));
  writeFileSync(path('model.json'), Buffer.concat([...fitted.serialise()]));
  const files = { rows: path('rows.csv'), train: path('train.csv'), max_depth: CSV_DEPTH };
  const job: CsvJob = {
    rows: files.rows,
    out: path('ours.csv'),
    model: path('model.json'),
    encoder: path('encoder.json'),
  };
  const taken = { ours: [] as Took[], sklearn: [] as Took[] };
  for (let i = 0; i < csvRepeats; i++) {
    taken.ours.push(runAlone(new URL('./predict/csv.ts', import.meta.url), job) as Took);
    const theirs = { ...files, out: path('theirs.csv') };
    taken.sklearn.push(runSklearn('predict/csv_sklearn.py', theirs) as Took);
  }
  assertClose(path('ours.csv'), path('theirs.csv'));
  const median = (all: readonly Took[]): Took => ({
    wall: spreadOf(all.map(({ wall }) => wall)).median,
    cpu: spreadOf(all.map(({ cpu }) => cpu)).median,
  });
  return { ours: median(taken.ours), sklearn: median(taken.sklearn) };
}

/** The trees break ties differently, so a few rows near a threshold may differ, and no more. */
function assertClose(ours: string, theirs: string): void {
  const [a, b] = [ours, theirs].map((file) => readFileSync(file, 'utf8').split('\n'));
  const differing = a!.filter((line, i) => line !== b![i]).length;
  if (a!.length !== b!.length || differing > a!.length / 100)
    throw new Error(`${differing} of ${a!.length} predictions differ`);
}
