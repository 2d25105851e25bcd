/**
 * What exact CART costs in processor time: ours, ml-cart's own trainer and scikit-learn, on one thread and
 * the same rows, fully grown.
 *
 *     npx tsx bench/train.ts [--quick] [--budget=SECONDS] [--memory=MB]
 *
 * No fit is begun that
 * its last size says will take longer than the budget (30 s; as much for ml-cart), nor a table made that
 * takes more memory than is allowed with its copies (8000 MB).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import { fitClasses, fitNumbers } from '../pipeline/cart/fit.ts';
import { table as print } from '../client/display.ts';
import { cpuTime } from './cpu-time.ts';
import { keepResults, spreadOf } from './results.ts';
import { makeTable, type Table, writeTable } from './tree-data.ts';
import { digits, times } from './tree-display.ts';
import { runSklearn } from './tree-sklearn.ts';

type Kind = 'classes' | 'numbers';

interface Cell {
  readonly kind: Kind;
  readonly width: number;
  readonly rows: number;
  readonly ours: number | null;
  readonly ml_cart: number | null;
  readonly sklearn: number | null;
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    budget: { type: 'string', default: '30' },
    memory: { type: 'string', default: '8000' },
  },
});
const budget = Number(values.budget);
const sizes = values.quick ? [1000, 10_000, 100_000] : [1000, 10_000, 100_000, 300_000, 1_000_000];
const widths = values.quick ? [4, 20] : [4, 20, 100];
const params = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };

/** Enough repeats for a median, fewer the longer they take. */
function repeatsFor(guess: number): number {
  return guess > 20 ? 1 : guess > 2 ? 3 : guess > 0.2 ? 5 : 21;
}

function fitOurs(kind: Kind, { columns, classes, numbers }: Table): void {
  if (kind === 'classes') fitClasses(columns, classes, 3, params);
  else fitNumbers(columns, numbers, params);
}

function fitMlCart(kind: Kind, { rows, columns, classes, numbers }: Table): void {
  const matrix = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
  const options = { minNumSamples: 1, maxDepth: Infinity, gainThreshold: 0 };
  if (kind === 'classes') new DecisionTreeClassifier(options).train(matrix, [...classes]);
  else new DecisionTreeRegression(options).train(matrix, [...numbers]);
}

/** Measures unless the guess is past the limit. */
function within(guess: number, limit: number, measure: () => number): number | null {
  return guess > limit ? null : measure();
}

/** Time at a size from the time at a smaller one, as a power of the ratio; 0 where nothing is known. */
function guessFrom(
  last: Cell | undefined,
  key: 'ours' | 'ml_cart' | 'sklearn',
  rows: number,
): number {
  if (last === undefined) return 0;
  const power = key === 'ml_cart' ? 2 : 1.2;
  const known = last[key];
  return known === null ? Infinity : known * (rows / last.rows) ** power;
}

function measureCell(kind: Kind, table: Table, file: string, last: Cell | undefined): Cell {
  const { rows } = table;
  const width = table.columns.length;
  const guess = guessFrom(last, 'ours', rows);
  const ours = within(guess, budget, () => {
    const took = Array.from({ length: repeatsFor(guess) }, () =>
      cpuTime(() => fitOurs(kind, table)),
    );
    return spreadOf(took).median;
  });
  const sklearnGuess = guessFrom(last, 'sklearn', rows);
  const sklearn = within(sklearnGuess, budget, () => {
    const job = { file, rows, width, kind, repeats: repeatsFor(sklearnGuess) };
    return spreadOf((runSklearn('train_sklearn.py', job) as { took: number[] }).took).median;
  });
  const ml_cart = within(guessFrom(last, 'ml_cart', rows), budget, () =>
    cpuTime(() => fitMlCart(kind, table)),
  );
  return { kind, width, rows, ours, ml_cart, sklearn };
}

/** The power of n that time grows with, fitted to sizes from 10 000 rows by least squares; n log n is 1.1. */
function exponent(cells: readonly Cell[], key: 'ours' | 'sklearn'): string {
  const points = cells
    .filter((cell) => cell.rows >= 10_000 && cell[key] !== null)
    .map((cell) => [Math.log(cell.rows), Math.log(cell[key]!)] as const);
  if (points.length < 2) return '–';
  const mean = (i: 0 | 1): number => points.reduce((sum, p) => sum + p[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, p) => sum + (p[0] - x) * (p[1] - y), 0);
  return (covariance / points.reduce((sum, p) => sum + (p[0] - x) ** 2, 0)).toFixed(2);
}

const folder = mkdtempSync(join(tmpdir(), 'bench-train-'));
const cells: Cell[] = [];
try {
  for (const width of widths) {
    const last: Partial<Record<Kind, Cell>> = {};
    for (const rows of sizes) {
      // The table, its file in the page cache, our orders, scikit-learn's float32 copy.
      const megabytes = (rows * width * (8 + 8 + 8 + 4)) / 1e6;
      if (megabytes > Number(values.memory)) {
        process.stderr.write(
          `skipped ${rows} × ${width}: ${Math.ceil(megabytes)} MB, more than --memory\n`,
        );
        continue;
      }
      const table = makeTable(rows, width, 1);
      const file = join(folder, 'table');
      writeTable(file, table);
      for (const kind of ['classes', 'numbers'] as const) {
        const cell = measureCell(kind, table, file, last[kind]);
        last[kind] = cell;
        cells.push(cell);
        process.stderr.write(`${JSON.stringify(cell)}\n`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const head = ['target', 'columns', 'rows', 'ours s', 'scikit-learn s', '×', 'ml-cart s', '×'];
const body = cells.map(({ kind, width, rows, ours, ml_cart, sklearn }) => [
  kind,
  width,
  rows,
  digits(ours),
  digits(sklearn),
  times(sklearn, ours),
  digits(ml_cart),
  times(ml_cart, ours),
]);
process.stdout.write(`${print(head, body)}\n`);
const growth = (['classes', 'numbers'] as const).flatMap((kind) =>
  widths.map((width) => {
    const some = cells.filter((cell) => cell.kind === kind && cell.width === width);
    return { kind, width, ours: exponent(some, 'ours'), sklearn: exponent(some, 'sklearn') };
  }),
);
process.stdout.write(
  `${print(
    ['target', 'columns', 'ours grows with n^', 'scikit-learn with n^'],
    growth.map(({ kind, width, ours, sklearn }) => [kind, width, ours, sklearn]),
  )}\n– was not begun: it would have taken longer than the budget\n`,
);
keepResults('train', { unit: 'processor seconds, median', cells, growth });
