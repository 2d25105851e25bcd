/**
 * The number that parts two neighbouring values: rows less than it go left. The mean of the two, as
 * ml-cart takes it, unless that is no good: the sum of two large values may be infinite (halves are
 * added then), and the mean of two adjacent floats may round down to the lower one, which would then
 * go right (the upper one is taken then).
 * @param below the largest value on the left
 * @param above the smallest on the right, greater than `below`
 * @returns t with below < t <= above
 */
export function thresholdBetween(below: number, above: number): number {
  const mean = (below + above) / 2;
  const middle = Number.isFinite(mean) ? mean : below / 2 + above / 2;
  return middle > below ? middle : above;
}
