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
 * @returns the probability of so few gained rows, and of so many, if both models are as good
 */
export function testShares(gained: number, lost: number): { worse: number; better: number } {
  const rows = gained + lost;
  return { worse: coinTail(gained, rows), better: coinTail(lost, rows) };
}
