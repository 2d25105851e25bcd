import type { ClassCounts } from './class-counts.ts';

/**
 * ml-cart's arithmetic for classes, operation by operation, so that the shares and gains in its JSON come
 * out as the same floats. It sums 1/n once per row, so that a share of 3 in 3 may be 1 or a little less;
 * nothing is decided by these numbers.
 */

/** Shares of the classes up to the last that occurs. */
export function sharesOf({ counts, classes, listed, rows }: ClassCounts): number[] {
  const shares: number[] = [];
  for (let i = 0; i < listed; i++) {
    const label = classes[i]!;
    if (counts[label] === 0) continue;
    while (shares.length < label) shares.push(0);
    shares.push(share(counts[label]!, rows));
  }
  return shares;
}

/** How much a split into `right` and `left` lowers the gini impurity. */
export function giniGain(
  all: ClassCounts,
  right: Float64Array,
  inRight: number,
  left: Float64Array,
  inLeft: number,
): number {
  let impurity = 0;
  impurity += (giniImpurity(all, right, inRight) * inRight) / all.rows;
  impurity += (giniImpurity(all, left, inLeft) * inLeft) / all.rows;
  return giniImpurity(all, all.counts, all.rows) - impurity;
}

function giniImpurity(
  { classes, listed }: ClassCounts,
  counts: Float64Array,
  rows: number,
): number {
  let sum = 0;
  for (let i = 0; i < listed; i++) {
    const part = share(counts[classes[i]!]!, rows);
    sum += part * part;
  }
  return 1 - sum;
}

/** The share of a class that all rows are of: 1, or a little less. */
export function pureShare(rows: number): number {
  return share(rows, rows);
}

function share(count: number, rows: number): number {
  const one = 1 / rows;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += one;
  return sum;
}
