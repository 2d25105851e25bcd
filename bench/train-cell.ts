import { runAlone, runSklearn } from './run-script.ts';
import { spreadOf } from './measure.ts';
import type { Took } from './measure.ts';
import type { FitsAnswer, FitsJob } from './train/fits.ts';

export type Kind = FitsJob['kind'];

/** The trainers: ours on one thread and on two, scikit-learn and ml-cart on one. */
const FITTERS = ['one', 'two', 'sklearn', 'ml_cart'] as const;
export type Fitter = (typeof FITTERS)[number];

/** The time of each trainer for one table; null if it was not run. */
export interface Cell extends Record<Fitter, Took | null> {
  readonly kind: Kind;
  readonly width: number;
  readonly rows: number;
}

/** The conditions of one measurement. */
export interface Bench {
  readonly width: number;
  readonly rows: number;
  /** The table file that every trainer reads. */
  readonly file: string;
  /** Fewest rows of a leaf. ml-cart has no such option. */
  readonly minLeaf: number;
  /** Null for no limit. */
  readonly maxDepth: number | null;
  /** The number of classes of the table. */
  readonly classes: number;
  /** How often each trainer fits; by default, more often the faster it is. */
  readonly repeats?: number;
  /** A fit is skipped if it would take more processor seconds than this, estimated from the last size. */
  readonly budget: Record<Fitter, number>;
}

/** Fits one table with each trainer, except those that would take too long by the estimate. */
export function measureCell(kind: Kind, bench: Bench, last: Cell | undefined): Cell {
  const { width, rows } = bench;
  const measured: Partial<Record<Fitter, Took | null>> = {};
  for (const fitter of FITTERS) {
    const guess = guessFrom(last, fitter, rows);
    const isLong = guess > bench.budget[fitter];
    const cannot = fitter === 'ml_cart' && bench.minLeaf > 1;
    measured[fitter] =
      isLong || cannot ? null : measure(fitter, kind, bench, bench.repeats ?? repeatsFor(guess));
  }
  return { kind, width, rows, ...(measured as Record<Fitter, Took | null>) };
}

/** Each trainer runs in its own process, so that code compiled for another fit does not help it. */
function measure(
  fitter: Fitter,
  kind: Kind,
  { file, rows, width, minLeaf, maxDepth, classes }: Bench,
  repeats: number,
): Took | null {
  const job = { file, rows, width, kind, repeats, minLeaf, maxDepth, classes };
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

/** The number of repeats: enough that the first, in which the engine compiles, does not move the median. Long fits get fewer. */
function repeatsFor(guess: number): number {
  return guess > 5 ? 1 : guess > 2 ? 3 : guess > 0.5 ? 9 : 21;
}

/** Estimates the time from the time at a smaller size, as a power of the ratio; 0 if none is known. */
function guessFrom(last: Cell | undefined, fitter: Fitter, rows: number): number {
  if (last === undefined) return 0;
  const power = fitter === 'ml_cart' ? 2 : 1.2;
  // Two threads may pay at this size even if they did not at the last one.
  const known = last[fitter] ?? (fitter === 'two' ? last.one : null);
  return known === null ? Infinity : known.cpu * (rows / last.rows) ** power;
}
