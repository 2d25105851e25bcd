/** Rows below which it is not the rows that take the time. */
const LEAST_ROWS = 10_000;

/**
 * The power of n that time grows with, fitted by least squares to the logarithms; n log n is about 1.1.
 * @param points rows and seconds, null where they were not measured
 * @returns null with fewer than two points
 */
export function growthOf(points: readonly (readonly [number, number | null])[]): number | null {
  const logs = points.flatMap(([rows, seconds]) =>
    rows < LEAST_ROWS || seconds === null ? [] : [[Math.log(rows), Math.log(seconds)] as const],
  );
  if (logs.length < 2) return null;
  const mean = (i: 0 | 1): number => logs.reduce((sum, log) => sum + log[i], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0);
  return covariance / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0);
}
