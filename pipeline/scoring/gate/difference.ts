import { NUMBER_METRICS } from '../../../contract/metric-sets.ts';
import { scoreNumbers } from '../number-scores.ts';
import { boundShares, countDiscordant, testShares, testSharesBy } from './mcnemar.ts';
import type { ClassPairs, NumberPairs, Pairs } from '../pairs.ts';
import { Random } from './random.ts';
import { type Answers, type Bounds, resample, type Resampling } from './resample.ts';
import { type BothScores, makeClassScorer } from './score-classes.ts';
import { makeNumberScorer, sumErrors } from './score-numbers.ts';

/** What a test says of a score of two models on the same rows. */
export interface Difference extends BothScores, Answers, Bounds {}

export interface TestOptions {
  /** The difference that does not matter, in the unit of the score. */
  margin: number;
  /** The probability with which each of the two questions may be answered wrongly. */
  chance: number;
}

/**
 * Tests whether the challenger is worse, and whether it is better, than the champion by more than a margin. Shares of
 * correct rows are tested by McNemar's exact test, other scores by resampling.
 * @returns undefined where the score is not defined for these rows
 */
export function testDifference(
  pairs: Pairs,
  metric: string,
  options: TestOptions,
): Difference | undefined {
  if (pairs.rows === 0) return undefined;
  if (!('cells' in pairs)) return testNumbers(pairs, metric, options);
  return metric === 'accuracy' ? testAccuracy(pairs, options) : testClasses(pairs, metric, options);
}

function testAccuracy(pairs: ClassPairs, { margin, chance }: TestOptions): Difference {
  const counts = countDiscordant(pairs);
  const { rows, gained, lost, both } = counts;
  const even = testShares(gained, lost);
  const bounds = boundShares(counts, chance);
  return {
    challenger: (both + gained) / rows,
    champion: (both + lost) / rows,
    ...clampBounds(tightenBounds(bounds, even, chance), even, chance),
    // With a margin, the exact test still guards against few rows.
    worse: margin === 0 ? even.worse : Math.max(even.worse, testSharesBy(counts, -margin).worse),
    better: margin === 0 ? even.better : Math.max(even.better, testSharesBy(counts, margin).better),
  };
}

function testClasses(
  { cells, labels, rows }: ClassPairs,
  metric: string,
  options: TestOptions,
): Difference | undefined {
  const score = makeClassScorer(metric, cells, labels.length);
  const counts = cells.map(({ count }) => count);
  const scores = score?.(counts);
  if (score === undefined || scores === undefined || !isDefined(scores)) return undefined;
  // Cells in which the models predict different classes, each beside the cell with these predictions exchanged.
  const mirrored = new Map<string, number>();
  const nameOf = (actual: number, a: number, b: number): string => `${actual} ${a} ${b}`;
  for (const [i, { actual, challenger, champion }] of cells.entries())
    mirrored.set(nameOf(actual, challenger, champion), i);
  const swaps = cells.flatMap(({ actual, challenger, champion }, i) => {
    if (challenger === champion) return [];
    const other = mirrored.get(nameOf(actual, champion, challenger));
    return other !== undefined && other < i ? [] : [{ cell: i, other }];
  });
  // A cell that no row is in yet, for each cell without its mirror.
  const all: Omit<ClassPairs['cells'][number], 'count'>[] = [...cells];
  const paired = swaps.map(({ cell, other }) => {
    if (other !== undefined) return [cell, other] as const;
    const { actual, challenger, champion } = cells[cell]!;
    all.push({ actual, challenger: champion, champion: challenger });
    return [cell, all.length - 1] as const;
  });
  const scoreAll = makeClassScorer(metric, all, labels.length)!;
  const [weights, exchanged] = [new Float64Array(counts.length), new Float64Array(all.length)];
  const sampling: Resampling = {
    random: new Random(
      cells.flatMap(({ actual, challenger, champion, count }) => [
        actual,
        challenger,
        champion,
        count,
      ]),
    ),
    rows,
    draw: (random) => {
      for (let i = 0; i < counts.length; i++) weights[i] = random.poisson(counts[i]!);
      return differ(score(weights));
    },
    exchange: (random) => {
      exchanged.set(counts);
      for (const [cell, other] of paired) {
        const sum = counts[cell]! + (counts[other] ?? 0);
        const heads = random.heads(sum);
        exchanged[cell] = heads;
        exchanged[other] = sum - heads;
      }
      return differ(scoreAll(exchanged));
    },
  };
  return { ...scores, ...askSamples(differ(scores), sampling, options) };
}

function testNumbers(
  pairs: NumberPairs,
  metric: string,
  options: TestOptions,
): Difference | undefined {
  const { actual, challenger, champion } = pairs;
  // Rounding can give equal numbers a variance above 0.
  if (metric === 'r2' && actual.every((value) => value === actual[0])) return undefined;
  const sums = sumErrors(pairs);
  const score = makeNumberScorer(metric, sums);
  const size = sums.rows.length;
  const ones = new Float64Array(size).fill(1);
  if (score === undefined || !isDefined(score(ones))) return undefined;
  // The scores themselves are those of evaluate, to the last bit.
  const [own, their] = [scoreNumbers(actual, challenger)!, scoreNumbers(actual, champion)!];
  const name = metric as 'rmse' | 'mae' | 'r2';
  const scores = { challenger: own[name], champion: their[name] };
  if (!isDefined(scores)) return undefined;
  const sign = NUMBER_METRICS.lower.includes(metric) ? -1 : 1;
  const weights = new Float64Array(size);
  const swapped = new Uint8Array(size);
  const { squared, absolute } = sums.challenger;
  const sampling: Resampling = {
    random: new Random([...squared, ...absolute, ...sums.champion.squared, ...sums.targets]),
    rows: size,
    draw: (random) => {
      for (let i = 0; i < size; i++) weights[i] = random.poisson(1);
      return sign * differ(score(weights));
    },
    exchange: (random) => {
      for (let i = 0; i < size; i += 32) {
        const word = random.word();
        for (let bit = 0; bit < 32 && i + bit < size; bit++) swapped[i + bit] = (word >>> bit) & 1;
      }
      return sign * differ(score(ones, swapped));
    },
  };
  return { ...scores, ...askSamples(sign * differ(scores), sampling, options) };
}

function isDefined(scores: {
  [Side in keyof BothScores]: number | undefined;
}): scores is BothScores {
  return Number.isFinite(scores.challenger) && Number.isFinite(scores.champion);
}

function differ({ challenger, champion }: BothScores): number {
  return challenger - champion;
}

function askSamples(
  observed: number,
  sampling: Resampling,
  options: TestOptions,
): Omit<Difference, keyof BothScores> {
  const { even, low, high, ...answers } = resample(observed, sampling, options);
  return { ...answers, ...clampBounds({ low, high }, even, options.chance) };
}

/** Excludes 0 where the exact test of equal models does so, though the score test of the bounds does not. */
function tightenBounds({ low, high }: Bounds, even: Answers, chance: number): Bounds {
  return {
    low: even.better < chance ? Math.max(low, 0) : low,
    high: even.worse < chance ? Math.min(high, 0) : high,
  };
}

/** Widens the bounds to include 0 unless the test of equal models excludes it. */
function clampBounds({ low, high }: Bounds, even: Answers, chance: number): Bounds {
  return {
    low: even.better < chance ? low : Math.min(low, 0),
    high: even.worse < chance ? high : Math.max(high, 0),
  };
}
