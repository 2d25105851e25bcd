/**
 * Measures the rows that our flat tree, ml-cart and scikit-learn predict in a processor second, on one thread,
 * with trees over the same rows that have from a few to fifty thousand leaves. `npm run bench:predict [-- --quick]`.
 * Each gets its fastest input: ours columns (the result is an array of class indexes), ml-cart rows, and
 * scikit-learn float32 rows.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DecisionTreeClassifier } from 'ml-cart';
import { formatTable as print } from '../client/format.ts';
import { fitClasses } from '../pipeline/models/cart/fit.ts';
import { writeTree } from '../pipeline/models/cart/fitted-tree.ts';
import { loadTree } from '../pipeline/models/stored-tree.ts';
import { digits, spreadOf, times, took } from './measure.ts';
import { keepResults } from './results.ts';
import { makeTable, type Table, writeTable } from './tree-data.ts';
import { runSklearn } from './run-script.ts';

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
  keepResults('predict', {
    unit: 'rows a processor second, median',
    rows: predictedRows,
    measured,
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
