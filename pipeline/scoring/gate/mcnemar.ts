import { normalTail } from './normal.ts';
import type { ClassPairs } from '../pairs.ts';
import type { Answers, Bounds } from './resample.ts';

/**
 * The probability that a fair coin shows heads at most `heads` times of `throws`. It is exact, apart from rounding.
 * @param heads from 0 to `throws`
 */
export function coinTail(heads: number, throws: number): number {
  if (heads >= throws) return 1;
  // The sum begins at its largest term, so that it ends where the terms no longer count.
  const isUpper = heads > throws / 2;
  const start = isUpper ? throws - heads - 1 : heads;
  let exponent = throws * Math.log(0.5);
  for (let i = 1; i <= start; i++) exponent += Math.log((throws - i + 1) / i);
  let term = Math.exp(exponent);
  let tail = term;
  for (let i = start; i > 0 && term > tail * 1e-17; i--) {
    term *= i / (throws - i + 1);
    tail += term;
  }
  return isUpper ? 1 - tail : Math.min(1, tail);
}

/**
 * McNemar's exact test of two shares on the same rows.
 * @param gained rows that only the challenger predicts correctly
 * @param lost rows that only the champion does
 * @returns the probability of so few gained rows, and of so many, if both models are equally good
 */
export function testShares(gained: number, lost: number): Answers {
  const rows = gained + lost;
  return { worse: coinTail(gained, rows), better: coinTail(lost, rows) };
}

/** Rows by which of two models predicts them correctly. */
export interface Discordant {
  rows: number;
  /** Both models. */
  both: number;
  /** Only the challenger. */
  gained: number;
  /** Only the champion. */
  lost: number;
}

export function countDiscordant({ cells, rows }: ClassPairs): Discordant {
  const counts = { rows, both: 0, gained: 0, lost: 0 };
  for (const { actual, challenger, champion, count } of cells) {
    if (challenger === actual && champion === actual) counts.both += count;
    else if (challenger === actual) counts.gained += count;
    else if (champion === actual) counts.lost += count;
  }
  return counts;
}

/**
 * Tests the difference of two shares on the same rows against `difference`, by the score test of Tango (Statistics in Medicine 17, 1998) with a correction of one row. Without it, the test says too often that
 * there is a difference where there are fewer than a hundred rows: a unit test counts how often.
 * @returns the probability of such a result, or a worse or better one, where that is the difference
 */
export function testSharesBy(counts: Discordant, difference: number): Answers {
  const { excess, deviation } = scoreDifference(counts, difference);
  return {
    worse: normalTail(-(excess + 1) / deviation),
    better: normalTail((excess - 1) / deviation),
  };
}

/** Returns the differences of two shares that the score test does not exclude, each bound with this probability. */
export function boundShares(counts: Discordant, chance: number): Bounds {
  return {
    low: bisect((difference) => testSharesBy(counts, difference).better < chance),
    high: -bisect((difference) => testSharesBy(counts, -difference).worse < chance),
  };
}

/** How many more rows are gained than `difference` says, and the standard deviation of that number. */
function scoreDifference(
  { rows, gained, lost }: Discordant,
  difference: number,
): { excess: number; deviation: number } {
  // The share of lost rows that is most likely where the difference is given: Tango's equation.
  const a = 2 * rows;
  const b = -gained - lost + (2 * rows - gained + lost) * difference;
  const c = -lost * difference * (1 - difference);
  const share = (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a);
  const variance = rows * (2 * share + difference * (1 - difference));
  return { excess: gained - lost - rows * difference, deviation: Math.sqrt(Math.max(0, variance)) };
}

/** The largest number of -1..1 up to which all numbers are excluded. */
function bisect(isExcluded: (difference: number) => boolean): number {
  let [low, high] = [-1, 1];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (isExcluded(middle)) low = middle;
    else high = middle;
  }
  return low;
}
