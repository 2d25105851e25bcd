/**
 * Reports the progress of a long computation. A call only writes two numbers, so it is cheap enough for every node
 * of a tree.
 * @param fraction 0 to 1, never less than before
 * @param rows number of rows done, if the work is counted in rows
 */
export type Report = (fraction: number, rows?: number) => void;

/** Returns a report for one part of a longer computation: 0 to 1 of the part is `from` to `to` of the whole. */
export function scaleReport(report: Report | undefined, from: number, to: number): Report {
  return (fraction, rows) => report?.(from + (to - from) * fraction, rows);
}
