import { runAlone } from './alone.ts';
import { spreadOf } from './results.ts';
import type { Took } from './took.ts';
import type { FitsAnswer, FitsJob } from './train/fits.ts';
import { runSklearn } from './tree-sklearn.ts';

export type Kind = FitsJob['kind'];

/** Who fits: ours on one thread and on two, scikit-learn and ml-cart on one. */
const FITTERS = ['one', 'two', 'sklearn', 'ml_cart'] as const;
export type Fitter = (typeof FITTERS)[number];

/** What a tree over one table costs each; null where it was not begun. */
export interface Cell extends Record<Fitter, Took | null> {
  readonly kind: Kind;
  readonly width: number;
  readonly rows: number;
}

/** What a cell is measured with. */
export interface Bench {
  readonly width: number;
  readonly rows: number;
  /** The table, as all of them read it. */
  readonly file: string;
  /** Rows that a leaf has at least; ml-cart knows no such limit. */
  readonly minLeaf: number;
  /** Seconds of the processor past which no fit is begun, as far as the last size tells. */
  readonly budget: Record<Fitter, number>;
}

/** Fits one table with each in turn, unless the last size says that it will take too long. */
export function measureCell(kind: Kind, bench: Bench, last: Cell | undefined): Cell {
  const { width, rows } = bench;
  const measured: Partial<Record<Fitter, Took | null>> = {};
  for (const fitter of FITTERS) {
    const guess = guessFrom(last, fitter, rows);
    const isLong = guess > bench.budget[fitter];
    const cannot = fitter === 'ml_cart' && bench.minLeaf > 1;
    measured[fitter] = isLong || cannot ? null : measure(fitter, kind, bench, repeatsFor(guess));
  }
  return { kind, width, rows, ...(measured as Record<Fitter, Took | null>) };
}

/** Each has a process of its own: what an engine has learnt of other fits is not what it would know without. */
function measure(
  fitter: Fitter,
  kind: Kind,
  { file, rows, width, minLeaf }: Bench,
  repeats: number,
): Took | null {
  const job = { file, rows, width, kind, repeats, minLeaf };
  if (fitter === 'sklearn')
    return medianOf((runSklearn('train_sklearn.py', job) as { took: Took[] }).took);
  const ours: FitsJob = { ...job, fitter, repeats: fitter === 'ml_cart' ? 1 : repeats };
  const { took } = runAlone(new URL('./train/fits.ts', import.meta.url), ours) as FitsAnswer;
  return took && medianOf(took);
}

function medianOf(all: readonly Took[]): Took {
  const [cpu, wall] = (['cpu', 'wall'] as const).map((key) => spreadOf(all.map((t) => t[key])));
  return { cpu: cpu!.median, wall: wall!.median };
}

/** Enough repeats for a median beside the first, in which the engine compiles; fewer the longer they take. */
function repeatsFor(guess: number): number {
  return guess > 5 ? 1 : guess > 2 ? 3 : guess > 0.5 ? 9 : 21;
}

/** Time at a size from the time at a smaller one, as a power of the ratio; 0 where nothing is known. */
function guessFrom(last: Cell | undefined, fitter: Fitter, rows: number): number {
  if (last === undefined) return 0;
  const power = fitter === 'ml_cart' ? 2 : 1.2;
  // What was not worth a second thread may be so now.
  const known = last[fitter] ?? (fitter === 'two' ? last.one : null);
  return known === null ? Infinity : known.cpu * (rows / last.rows) ** power;
}
