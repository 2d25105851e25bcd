import { normalQuantile } from './normal.ts';
import type { Random } from './random.ts';

/** Draws differences of a score between the challenger and the champion; positive is better for the challenger. */
export interface Resampling {
  random: Random;
  /** Rows, or groups of rows, that are drawn. */
  rows: number;
  /** Paired bootstrap: the difference on rows that are drawn with replacement. */
  draw: (random: Random) => number;
  /** The difference where each row gives the predictions of each model to the other one with probability 1/2. */
  exchange: (random: Random) => number;
}

/** The probability of such a result if the challenger is not worse, or not better, by more than the margin. */
export interface Answers {
  worse: number;
  better: number;
}

/** The challenger is better by at least `low`, and by at most `high`, each at the confidence of the test. */
export interface Bounds {
  low: number;
  high: number;
}

/** Draws at first. More are made only where the probability in question is small. */
const DRAWS = 1_999;
const MOST_DRAWS = 99_999;

/** Rounding may make equal differences unequal. */
const EPSILON = 1e-12;

/**
 * Tests a difference of a score by resampling, and returns its bounds. The paired bootstrap answers by how much the
 * models differ; the exchange of their predictions, which is exact for any number of rows, answers whether they differ
 * at all. Few rows make the bootstrap too sure, so something is shown only if both show it.
 * @param observed the difference on the rows as they are
 */
export function resample(
  observed: number,
  { random, rows, draw, exchange }: Resampling,
  { margin, chance }: { margin: number; chance: number },
): Bounds & Answers & { even: Answers } {
  // A score may not be defined on the rows that are drawn. Such a draw shows nothing, so it counts against each answer.
  const boot: number[] = [];
  const exchanged: number[] = [];
  const slack = EPSILON * Math.max(1, Math.abs(observed));
  const share = (values: readonly number[], wanted: (value: number) => boolean): number =>
    (1 + values.filter(wanted).length) / (values.length + 1);
  const stretch = stretchFor(rows, chance);
  const answer = (): Answers & { even: Answers } => {
    const even = {
      worse: share(exchanged, (value) => value <= observed + slack),
      better: share(exchanged, (value) => value >= observed - slack),
    };
    return {
      even,
      worse: Math.max(
        even.worse,
        share(boot, (value) => !(value < -margin - slack)),
      ),
      better: Math.max(
        even.better,
        share(boot, (value) => !(value > margin + slack)),
      ),
    };
  };
  const drawUntil = (draws: number): void => {
    while (exchanged.length < draws) {
      exchanged.push(exchange(random));
      boot.push(observed + stretch * (draw(random) - observed));
    }
  };
  drawUntil(DRAWS);
  let found = answer();
  const isClose = Math.min(found.worse, found.better) < 4 * chance + 0.01;
  if (isClose && chance < 0.01) {
    drawUntil(Math.min(MOST_DRAWS, Math.ceil(20 / chance) - 1));
    found = answer();
  }
  const sorted = Float64Array.from(boot.filter(Number.isFinite)).sort();
  const place = Math.max(0, Math.ceil(chance * (sorted.length + 1) - 1) - 1);
  // A single row says nothing about others.
  if (rows < 2) return { ...found, low: -Infinity, high: Infinity };
  const inside = place - (boot.length - sorted.length);
  return {
    ...found,
    low: sorted[inside] ?? -Infinity,
    high: sorted[sorted.length - 1 - inside] ?? Infinity,
  };
}

/**
 * Returns the factor that widens the bootstrap on few rows: the ratio of the
 * quantiles of Student's distribution and the normal one, and of the unbiased deviation and the plain one (Hesterberg,
 * The American Statistician 69, 2015).
 */
function stretchFor(rows: number, chance: number): number {
  const z = normalQuantile(chance);
  const freedom = Math.max(1, rows - 1);
  const student =
    1 + (z * z + 1) / (4 * freedom) + (5 * z ** 4 + 16 * z * z + 3) / (96 * freedom ** 2);
  return student * Math.sqrt(rows / freedom);
}
