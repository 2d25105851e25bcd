import type { ClassCell } from '../pairs.ts';

/** A score of each of two models. NaN where it is not defined. */
export interface BothScores {
  challenger: number;
  champion: number;
}

/** The counts of one class that the scores are made of, or the sums of weights. */
interface Sums {
  readonly support: Float64Array;
  readonly claimed: Float64Array;
  readonly hits: Float64Array;
}

/** Computes a score of one model from its sums. */
type Score = (sums: Sums, rows: number) => number;

const SCORES: Readonly<Record<string, Score>> = {
  accuracy: ({ hits }, rows) => sum(hits) / rows,
  balanced_accuracy: ({ support, hits }) =>
    average(support, (i) => (support[i]! > 0 ? hits[i]! / support[i]! : undefined)),
  precision_macro: ({ support, claimed, hits }) =>
    average(support, (i) =>
      occurs(support, claimed, i) ? ratio(hits[i]!, claimed[i]!) : undefined,
    ),
  recall_macro: ({ support, claimed, hits }) =>
    average(support, (i) =>
      occurs(support, claimed, i) ? ratio(hits[i]!, support[i]!) : undefined,
    ),
  f1_macro: ({ support, claimed, hits }) =>
    average(support, (i) =>
      occurs(support, claimed, i) ? ratio(2 * hits[i]!, claimed[i]! + support[i]!) : undefined,
    ),
};

/**
 * Returns a function that computes a score of both models from the weights of the cells. With the counts as weights
 * it is the score of `scoreClasses`, to the last bit. Undefined for a name that is no score of classes.
 * @param size the number of classes
 */
export function makeClassScorer(
  metric: string,
  cells: readonly Omit<ClassCell, 'count'>[],
  size: number,
): ((weights: ArrayLike<number>) => BothScores) | undefined {
  const score = Object.hasOwn(SCORES, metric) ? SCORES[metric] : undefined;
  if (score === undefined) return undefined;
  const support = new Float64Array(size);
  const ours = { support, claimed: new Float64Array(size), hits: new Float64Array(size) };
  const theirs = { support, claimed: new Float64Array(size), hits: new Float64Array(size) };
  return (weights) => {
    for (const sums of [support, ours.claimed, ours.hits, theirs.claimed, theirs.hits])
      sums.fill(0);
    let rows = 0;
    for (let i = 0; i < cells.length; i++) {
      const { actual, challenger, champion } = cells[i]!;
      const weight = weights[i]!;
      rows += weight;
      support[actual]! += weight;
      ours.claimed[challenger]! += weight;
      theirs.claimed[champion]! += weight;
      if (challenger === actual) ours.hits[actual]! += weight;
      if (champion === actual) theirs.hits[actual]! += weight;
    }
    return { challenger: score(ours, rows), champion: score(theirs, rows) };
  };
}

function occurs(support: Float64Array, claimed: Float64Array, i: number): boolean {
  return support[i]! > 0 || claimed[i]! > 0;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** The mean over the classes that have a value. */
function average(classes: Float64Array, valueOf: (index: number) => number | undefined): number {
  let [total, count] = [0, 0];
  for (let i = 0; i < classes.length; i++) {
    const value = valueOf(i);
    if (value === undefined) continue;
    total += value;
    count += 1;
  }
  return total / count;
}
