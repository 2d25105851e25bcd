/** Seconds of processor time in all threads, and of wall time. */
export interface Took {
  readonly cpu: number;
  readonly wall: number;
}

/**
 * Measures the time of a function. Processor time counts all threads of this process, with the engine's
 * compiler and garbage collector. On a shared machine, wall time depends on other programs too.
 */
export async function took(run: () => unknown): Promise<Took> {
  const [start, begun] = [process.cpuUsage(), performance.now()];
  await run();
  const wall = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(start);
  return { cpu: (user + system) / 1e6, wall };
}

/** Below this number of rows, fixed costs take most of the time. */
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

/** A measurement in three significant digits; `–` if it was not measured. */
export function digits(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : String(Number(value.toPrecision(3)));
}

/** `whole` divided by `part`, in one decimal. */
export function times(whole: number | null | undefined, part: number | null | undefined): string {
  return typeof whole === 'number' && typeof part === 'number' ? (whole / part).toFixed(1) : '–';
}

/** A summary of measurements. Quote the median, because shared machines are noisy. */
export interface Spread {
  runs: number;
  min: number;
  median: number;
  max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  return { runs: sorted.length, min: sorted[0]!, median: middle, max: sorted.at(-1)! };
}
