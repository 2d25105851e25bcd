/** The 97.5 % point of the normal distribution. */
const Z = 1.959963984540054;

/** The 97.5 % points of Student's t for 1 to 9 degrees of freedom, where the series below is not exact enough. */
const FEW = [
  12.706204736174698, 4.302652729749464, 3.18244630528371, 2.776445105197799, 2.570581835636314,
  2.446911851144969, 2.364624251592785, 2.306004135204166, 2.262157162798205,
];

/**
 * Student's 95 % interval of the mean of numbers that are not below 0.
 * @param deviation their standard deviation
 * @param rows at least 2
 */
export function studentInterval(
  mean: number,
  deviation: number,
  rows: number,
): [low: number, high: number] {
  const reach = (tQuantile(rows - 1) * deviation) / Math.sqrt(rows);
  return [Math.max(0, mean - reach), mean + reach];
}

/** Returns Student's 95 % interval of the mean of differences. For a single difference it is all numbers. */
export function computeDifferenceInterval(
  differences: readonly number[],
): [low: number, high: number] {
  const rows = differences.length;
  if (rows < 2) return [-Infinity, Infinity];
  const mean = differences.reduce((sum, value) => sum + value, 0) / rows;
  const squares = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const reach = (tQuantile(rows - 1) * Math.sqrt(squares / (rows - 1))) / Math.sqrt(rows);
  return [mean - reach, mean + reach];
}

/**
 * McNemar's test: whether one of two counts is larger than a fair coin would make it, at 95 %. It is exact for up to
 * a thousand rows, and uses the normal distribution with a correction of continuity for more.
 * @param gained rows that only the first model predicts correctly
 * @param lost rows that only the second one does
 */
export function hasOddMajority(gained: number, lost: number): boolean {
  const rows = gained + lost;
  if (rows === 0) return false;
  if (rows > 1_000) return Math.abs(gained - lost) - 1 > Z * Math.sqrt(rows);
  // The probability of the smaller count or fewer, of a binomial distribution, as a sum of its terms.
  let term = Math.log(0.5) * rows;
  let tail = Math.exp(term);
  for (let i = 1; i <= Math.min(gained, lost); i++) {
    term += Math.log((rows - i + 1) / i);
    tail += Math.exp(term);
  }
  return 2 * tail < 0.05;
}

/**
 * Wilson's 95 % score interval of a share. Unlike the normal interval, it stays within 0..1 and is wide for few
 * rows: 29 of 30 gives 0.83 to 0.99.
 * @param rows at least 1
 */
export function wilsonInterval(correct: number, rows: number): [low: number, high: number] {
  const share = correct / rows;
  const scale = 1 + Z ** 2 / rows;
  const middle = (share + Z ** 2 / (2 * rows)) / scale;
  const reach = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + Z ** 2 / (4 * rows ** 2));
  // Rounding would move the limit slightly away from 0 or 1.
  return [
    correct === 0 ? 0 : Math.max(0, middle - reach),
    correct === rows ? 1 : Math.min(1, middle + reach),
  ];
}

/**
 * The 97.5 % point of Student's t distribution, to five digits: from 10 degrees of freedom by the series of
 * Abramowitz and Stegun 26.7.5 (https://personal.math.ubc.ca/~cbm/aands/page_949.htm).
 * @param freedom degrees of freedom, a whole number from 1
 */
function tQuantile(freedom: number): number {
  const few = FEW[freedom - 1];
  if (few !== undefined) return few;
  const [z3, z5, z7, z9] = [Z ** 3, Z ** 5, Z ** 7, Z ** 9];
  const terms = [
    (z3 + Z) / 4,
    (5 * z5 + 16 * z3 + 3 * Z) / 96,
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * Z) / 384,
    (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * Z) / 92160,
  ];
  return terms.reduce((sum, term, i) => sum + term / freedom ** (i + 1), Z);
}
