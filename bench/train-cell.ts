import { DecisionTreeClassifier, DecisionTreeRegression } from 'ml-cart';
import type { Crew } from '../pipeline/cart/crew.ts';
import {
  fitClasses,
  fitClassesTogether,
  fitNumbers,
  fitNumbersTogether,
} from '../pipeline/cart/fit.ts';
import { isWorthHelp } from '../pipeline/cart/together.ts';
import { spreadOf } from './results.ts';
import { took, type Took } from './took.ts';
import type { Table } from './tree-data.ts';
import { runSklearn } from './tree-sklearn.ts';

export type Kind = 'classes' | 'numbers';

/** Who fits: ours on one thread and on two, scikit-learn and ml-cart on one. */
export type Fitter = 'one' | 'two' | 'sklearn' | 'ml_cart';

/** What a tree over one table costs each; null where it was not begun. */
export interface Cell extends Record<Fitter, Took | null> {
  readonly kind: Kind;
  readonly width: number;
  readonly rows: number;
}

/** What a cell is measured with. */
export interface Bench {
  readonly table: Table;
  /** The same table, for Python. */
  readonly file: string;
  readonly crew: Crew;
  /** Seconds of the processor past which no fit is begun, as far as the last size tells. */
  readonly budget: Record<Fitter, number>;
}

const params = { max_depth: Infinity, min_samples_split: 2, min_gain: 0 };

/**
 * Fits one table with some in turn, unless the last size says that it will take too long.
 * @param known what has been measured of this cell
 */
export async function measureCell(
  known: Cell,
  fitters: readonly Fitter[],
  bench: Bench,
  last: Cell | undefined,
): Promise<Cell> {
  const measured: Partial<Record<Fitter, Took | null>> = {};
  for (const fitter of fitters) {
    const guess = guessFrom(last, fitter, known.rows);
    const isLong = guess > bench.budget[fitter];
    measured[fitter] = isLong ? null : await measure(fitter, known.kind, bench, repeatsFor(guess));
  }
  return { ...known, ...measured };
}

/** A cell of which nothing is known yet. */
export function emptyCell(kind: Kind, width: number, rows: number): Cell {
  return { kind, width, rows, one: null, two: null, sklearn: null, ml_cart: null };
}

async function measure(
  fitter: Fitter,
  kind: Kind,
  { table, file, crew }: Bench,
  repeats: number,
): Promise<Took | null> {
  const { rows, columns, classes, numbers } = table;
  const isClasses = kind === 'classes';
  if (fitter === 'sklearn') {
    const job = { file, rows, width: columns.length, kind, repeats };
    return medianOf((runSklearn('train_sklearn.py', job) as { took: Took[] }).took);
  }
  if (fitter === 'ml_cart') return took(() => fitMlCart(kind, table));
  if (fitter === 'two' && !isWorthHelp(crew, rows, columns.length)) return null;
  const fit = (): unknown => {
    if (fitter === 'one')
      return isClasses
        ? fitClasses(columns, classes, 3, params)
        : fitNumbers(columns, numbers, params);
    return isClasses
      ? fitClassesTogether(columns, classes, 3, params, crew)
      : fitNumbersTogether(columns, numbers, params, crew);
  };
  const all: Took[] = [];
  for (let i = 0; i < repeats; i++) all.push(await took(fit));
  return medianOf(all);
}

function fitMlCart(kind: Kind, { rows, columns, classes, numbers }: Table): void {
  const matrix = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!));
  const options = { minNumSamples: 1, maxDepth: Infinity, gainThreshold: 0 };
  if (kind === 'classes') new DecisionTreeClassifier(options).train(matrix, [...classes]);
  else new DecisionTreeRegression(options).train(matrix, [...numbers]);
}

function medianOf(all: readonly Took[]): Took {
  const [cpu, wall] = (['cpu', 'wall'] as const).map((key) => spreadOf(all.map((t) => t[key])));
  return { cpu: cpu!.median, wall: wall!.median };
}

/** Enough repeats for a median, fewer the longer they take. */
function repeatsFor(guess: number): number {
  return guess > 5 ? 1 : guess > 1 ? 3 : guess > 0.2 ? 5 : 21;
}

/** Time at a size from the time at a smaller one, as a power of the ratio; 0 where nothing is known. */
function guessFrom(last: Cell | undefined, fitter: Fitter, rows: number): number {
  if (last === undefined) return 0;
  const power = fitter === 'ml_cart' ? 2 : 1.2;
  // What was not worth a second thread may be so now.
  const known = last[fitter] ?? (fitter === 'two' ? last.one : null);
  return known === null ? Infinity : known.cpu * (rows / last.rows) ** power;
}
