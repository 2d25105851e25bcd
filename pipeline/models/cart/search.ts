import type { Block, Targets } from './block.ts';
import type { Criterion } from './criterion.ts';
import type { ValueCounts } from './counter.ts';
import type { NodeCounter } from './node-counter.ts';

/** What the cuts of each feature are worth in a node. Threads may share this memory. */
export interface Findings {
  /** By feature, bounds of the best score; the upper one is -1 when a coded feature has no cut. */
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  /** By feature, the one cut that may have the best score; 0 when there is none, or several may. */
  readonly cuts: Int32Array;
}

export function makeFindings(features: number): Findings {
  return {
    lows: new Float64Array(features),
    highs: new Float64Array(features),
    cuts: new Int32Array(features),
  };
}

/**
 * Measures the cuts of one feature in the node that was entered last: by its counts if it is coded, otherwise by its
 * order.
 * @param counts of the node, if it has coded features
 */
export function measureFeature<T extends Targets>(
  block: Block<T>,
  criterion: Criterion<T>,
  counter: NodeCounter | null,
  counts: ValueCounts | null,
  feature: number,
  start: number,
  end: number,
  minLeaf: number,
  into: Findings,
): void {
  if (block.codes[feature] === null) {
    criterion.aim(0);
    criterion.scan(block, feature, start, end, minLeaf);
    into.lows[feature] = into.highs[feature] = criterion.score;
    into.cuts[feature] = criterion.lone;
    return;
  }
  counter!.measure(counts!, feature, minLeaf);
  const { low, high, cut } = criterion.counter.found;
  into.lows[feature] = low;
  into.highs[feature] = high;
  into.cuts[feature] = cut;
}

/**
 * Gives the criterion the cuts that may be the best, in the order of features. Those that were measured only to
 * within rounding are scanned, unless one is better than all others beyond doubt.
 * @returns the features that may split the nodes below: a feature without a cut in a node has none in its children
 */
export function takeBest<T extends Targets>(
  block: Block<T>,
  criterion: Criterion<T>,
  features: readonly number[],
  start: number,
  end: number,
  minLeaf: number,
  { lows, highs, cuts }: Findings,
): readonly number[] {
  let best = 0;
  for (const feature of features) best = Math.max(best, lows[feature]!);
  const least = criterion.counter.leastTie(best);
  const tied = features.filter((feature) => highs[feature]! >= least);
  const isSure = tied.length === 1 && criterion.counter.isSure(lows[tied[0]!]!);
  // A second scan if too many cuts tied: now the best score is known.
  for (let isAgain = false; ; isAgain = true) {
    criterion.aim(isAgain ? criterion.score : 0);
    for (const feature of tied) {
      const cut = cuts[feature]!;
      const isKnown = criterion.counter.isExact || isSure || block.codes[feature] === null;
      if (isKnown && cut > 0) criterion.take(feature, cut, lows[feature]!);
      else criterion.scan(block, feature, start, end, minLeaf);
    }
    if (isAgain || !criterion.isCrowded) break;
  }
  return features.filter((feature) => highs[feature]! >= 0);
}
