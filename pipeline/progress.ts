/**
 * Tells how far a long computation is. Cheap enough for every node of a tree: it writes two numbers.
 * @param fraction 0 to 1, never less than before
 * @param rows how many rows are done with, where rows are what there is to do
 */
export type Report = (fraction: number, rows?: number) => void;

/** A part of a longer computation's report, from one fraction of it to another. */
export function within(report: Report | undefined, from: number, to: number): Report {
  return (fraction, rows) => report?.(from + (to - from) * fraction, rows);
}
