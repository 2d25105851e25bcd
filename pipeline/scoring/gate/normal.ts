/**
 * The probability that a standard normal number is above z, to seven digits: the Chebyshev fit of Numerical Recipes in C,
 * section 6.2.
 */
export function normalTail(z: number): number {
  if (!Number.isFinite(z)) return z > 0 ? 0 : 1;
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const powers = ERFC.reduceRight((sum, term) => term + t * sum, 0);
  const tail = (t * Math.exp(-x * x + powers)) / 2;
  return z >= 0 ? tail : 1 - tail;
}

const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
];

/** The number above which a standard normal number is with this probability, below 1/2. */
export function normalQuantile(tail: number): number {
  let [low, high] = [0, 40];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (normalTail(middle) > tail) low = middle;
    else high = middle;
  }
  return low;
}
