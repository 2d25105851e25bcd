import type { NumberPairs } from '../pairs.ts';
import type { BothScores } from './score-classes.ts';

/** The most groups of rows. So the time of a test does not grow with the rows. */
const MOST_GROUPS = 250;

/** Sums over groups of rows that follow each other, in a unit in which no error is above 1. */
export interface ErrorSums {
  readonly scale: number;
  readonly rows: Float64Array;
  /** Absolute and squared errors. */
  readonly challenger: ModelErrors;
  readonly champion: ModelErrors;
  /** The numbers themselves, less their mean, and their squares. */
  readonly targets: Float64Array;
  readonly squares: Float64Array;
}

interface ModelErrors {
  readonly absolute: Float64Array;
  readonly squared: Float64Array;
}

/** The sums of one model over all rows that a score is made of. */
interface Totals {
  rows: number;
  absolute: number;
  squared: number;
  targets: number;
  squares: number;
}

const SCORES: Readonly<Record<string, (totals: Totals, scale: number) => number>> = {
  rmse: ({ rows, squared }, scale) => scale * Math.sqrt(squared / rows),
  mae: ({ rows, absolute }, scale) => scale * (absolute / rows),
  r2: ({ rows, squared, targets, squares }) => {
    const variance = squares - (targets * targets) / rows;
    // Rounding can give equal numbers a variance above 0.
    return variance > 1e-12 * squares ? 1 - squared / variance : NaN;
  },
};

/** Sums the errors of both models over at most 250 groups of rows, or for each row. */
export function sumErrors({ actual, challenger, champion, rows }: NumberPairs): ErrorSums {
  const groups = Math.min(rows, MOST_GROUPS);
  const make = (): Float64Array => new Float64Array(groups);
  const errorsOf = (predicted: Float64Array): Float64Array =>
    actual.map((value, row) => Math.abs(value - predicted[row]!));
  const [own, their] = [errorsOf(challenger), errorsOf(champion)];
  const mean = actual.reduce((sum, value) => sum + value / rows, 0);
  const largest = [own, their, actual.map((value) => Math.abs(value - mean))].reduce(
    (most, values) => values.reduce((a, b) => Math.max(a, b), most),
    0,
  );
  const scale = largest === 0 ? 1 : largest; // squares of large errors must not overflow
  const sums = {
    scale,
    rows: make(),
    challenger: { absolute: make(), squared: make() },
    champion: { absolute: make(), squared: make() },
    targets: make(),
    squares: make(),
  };
  for (let row = 0; row < rows; row++) {
    const group = Math.floor((row * groups) / rows);
    const [a, b, y] = [own[row]! / scale, their[row]! / scale, (actual[row]! - mean) / scale];
    sums.rows[group]! += 1;
    sums.challenger.absolute[group]! += a;
    sums.challenger.squared[group]! += a * a;
    sums.champion.absolute[group]! += b;
    sums.champion.squared[group]! += b * b;
    sums.targets[group]! += y;
    sums.squares[group]! += y * y;
  }
  return sums;
}

/**
 * Returns a function that computes a score of both models from the weights of the groups. A group that is swapped
 * gives its errors to the other model. Undefined for a name that is no score of numbers.
 */
export function makeNumberScorer(
  metric: string,
  sums: ErrorSums,
): ((weights: ArrayLike<number>, swapped?: Uint8Array) => BothScores) | undefined {
  const score = Object.hasOwn(SCORES, metric) ? SCORES[metric] : undefined;
  if (score === undefined) return undefined;
  return (weights, swapped) => {
    const ours: Totals = { rows: 0, absolute: 0, squared: 0, targets: 0, squares: 0 };
    const theirs = { ...ours };
    for (let i = 0; i < sums.rows.length; i++) {
      const weight = weights[i]!;
      if (weight === 0) continue;
      const isSwapped = swapped?.[i] === 1;
      const [own, their] = isSwapped
        ? [sums.champion, sums.challenger]
        : [sums.challenger, sums.champion];
      ours.rows += weight * sums.rows[i]!;
      ours.targets += weight * sums.targets[i]!;
      ours.squares += weight * sums.squares[i]!;
      ours.absolute += weight * own.absolute[i]!;
      ours.squared += weight * own.squared[i]!;
      theirs.absolute += weight * their.absolute[i]!;
      theirs.squared += weight * their.squared[i]!;
    }
    Object.assign(theirs, { rows: ours.rows, targets: ours.targets, squares: ours.squares });
    return { challenger: score(ours, sums.scale), champion: score(theirs, sums.scale) };
  };
}
