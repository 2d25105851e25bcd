/**
 * Measures exact CART, grown to its end: our trainer on one thread and on two, ml-cart's trainer and
 * scikit-learn, on the same rows in the same run, each in its own process.
 *
 *     npm run bench:train [-- --quick] [--leaf=ROWS] [--budget=SECONDS] [--memory=MB] [--few=ROWS] [--only-few]
 *
 * First it measures a table like real ones, with few distinct values per column, to depth 6 and to its end. `--few`
 * sets its rows (800 000; 100 000 with --quick), and `--only-few` leaves out the other tables, whose values all differ.
 * `--leaf` sets the fewest rows of a leaf; its results are stored beside those of trees grown to single rows.
 * A fit is skipped if its last size predicts a time over the budget (90 s; one minute for ml-cart), and a
 * table if it needs more memory with its copies than the limit (8000 MB).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable as print } from '../client/format.ts';
import { digits, growthOf, times } from './measure.ts';
import { keepResults } from './results.ts';
import { type Cell, type Kind, measureCell } from './train-cell.ts';
import { makeRealTable, REAL_CLASSES } from './real-table.ts';
import { makeTable, writeTable } from './tree-data.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    leaf: { type: 'string', default: '1' },
    budget: { type: 'string' },
    memory: { type: 'string', default: '8000' },
    few: { type: 'string' },
    'only-few': { type: 'boolean', default: false },
  },
});
const longest = Number(values.budget ?? (values.quick ? 10 : 90));
const budget = { one: longest, two: longest, sklearn: longest, ml_cart: Math.min(longest, 60) };
const sizes = values.quick ? [1000, 10_000, 100_000] : [1000, 10_000, 100_000, 300_000, 1_000_000];
const widths = values.quick ? [4, 20] : [4, 20, 100];
const minLeaf = Number(values.leaf);
const kinds: readonly Kind[] = ['classes', 'numbers'];

const folder = mkdtempSync(join(tmpdir(), 'bench-train-'));
const cells: Cell[] = [];
try {
  measureReal();
  if (!values['only-few']) measureAll();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Measures a table like real ones. ml-cart would take days. */
function measureReal(): void {
  const rows = Number(values.few ?? (values.quick ? 100_000 : 800_000));
  const file = join(folder, 'real');
  const table = makeRealTable(rows, 1);
  writeTable(file, table);
  const width = table.columns.length;
  const shared = {
    rows,
    width,
    file,
    minLeaf,
    classes: REAL_CLASSES,
    repeats: rows < 200_000 ? 9 : 3,
  };
  const none = { one: Infinity, two: Infinity, sklearn: Infinity, ml_cart: -1 };
  const measured = kinds.flatMap((kind) =>
    [6, null].map((maxDepth) => {
      const cell = measureCell(kind, { ...shared, maxDepth, budget: none }, undefined);
      process.stderr.write(`${JSON.stringify(cell)}\n`);
      return { ...cell, maxDepth };
    }),
  );
  const distinct = table.columns.map((column) => new Set(column).size);
  const head = ['target', 'depth', 'ours', 'scikit-learn', '×', '1 thread', '2 threads', '×'];
  const body = measured.map(({ kind, maxDepth, one, two, sklearn }) => [
    kind,
    maxDepth ?? 'to its end',
    digits(one?.cpu),
    digits(sklearn?.cpu),
    times(sklearn?.cpu, one?.cpu),
    digits(one?.wall),
    digits(two?.wall),
    times(one?.wall, two?.wall),
  ]);
  process.stdout.write(
    `${rows} rows of ${width} columns with ${Math.min(...distinct)} to ${Math.max(...distinct)} ` +
      `values: processor seconds on one thread, then seconds on the wall\n${print(head, body)}\n`,
  );
  keepResults('train_real', { unit: 'seconds, median', rows, distinct, cells: measured });
}

function measureAll(): void {
  for (const width of widths)
    for (const rows of sizes) if (fitsMemory(rows, width)) measureTable(rows, width);
  report();
}

function measureTable(rows: number, width: number): void {
  const file = join(folder, 'table');
  writeTable(file, makeTable(rows, width, 1));
  const bench = { file, minLeaf, maxDepth: null, classes: 3, budget };
  for (const kind of kinds) {
    const last = cells.findLast((cell) => cell.kind === kind && cell.width === width);
    const cell = measureCell(kind, { ...bench, rows, width }, last);
    cells.push(cell);
    process.stderr.write(`${JSON.stringify(cell)}\n`);
  }
}

/** Memory of the table, its file in the page cache, our orders and ranks, and scikit-learn's float32 copy. */
function fitsMemory(rows: number, width: number): boolean {
  const megabytes = (rows * width * (8 + 8 + 8 + 4)) / 1e6;
  if (megabytes <= Number(values.memory)) return true;
  const size = `${rows} × ${width}: ${Math.ceil(megabytes)} MB`;
  process.stderr.write(`skipped ${size}, more than --memory\n`);
  return false;
}

function report(): void {
  const keys = ({ kind, width, rows }: Cell): (string | number)[] => [kind, width, rows];
  process.stdout.write(
    `processor seconds, one thread\n${print(
      ['target', 'columns', 'rows', 'ours', 'scikit-learn', '×', 'ml-cart', '×'],
      cells.map((cell) => {
        const [one, sklearn, mlCart] = [cell.one?.cpu, cell.sklearn?.cpu, cell.ml_cart?.cpu];
        const theirs = [digits(sklearn), times(sklearn, one), digits(mlCart), times(mlCart, one)];
        return [...keys(cell), digits(one), ...theirs];
      }),
    )}\nseconds on the wall\n${print(
      ['target', 'columns', 'rows', '1 thread', '2 threads', '×', 'scikit-learn', '× of 2 threads'],
      cells.map((cell) => {
        const [one, two, sklearn] = [cell.one?.wall, cell.two?.wall, cell.sklearn?.wall];
        const ours = [digits(one), digits(two), times(one, two)];
        return [...keys(cell), ...ours, digits(sklearn), times(sklearn, two)];
      }),
    )}\n`,
  );
  const growth = kinds.flatMap((kind) =>
    widths.map((width) => {
      const some = cells.filter((cell) => cell.kind === kind && cell.width === width);
      const grows = (key: 'one' | 'sklearn') =>
        growthOf(some.map((cell) => [cell.rows, cell[key]?.cpu ?? null]));
      return { kind, width, ours: grows('one'), sklearn: grows('sklearn') };
    }),
  );
  process.stdout.write(
    `${print(
      ['target', 'columns', 'ours grows with n^', 'scikit-learn with n^'],
      growth.map(({ kind, width, ours, sklearn }) => [kind, width, digits(ours), digits(sklearn)]),
    )}\n– was not run: too long for the budget, or too few values for a second thread\n`,
  );
  const name = minLeaf === 1 ? 'train' : `train_leaf_${minLeaf}`;
  keepResults(name, { unit: 'seconds, median', cells, growth });
}
