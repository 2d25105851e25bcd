import type { ClassScores } from './class-scores.ts';
import { Random } from './gate/random.ts';
import { makeClassScorer } from './gate/score-classes.ts';
import { makeNumberScorer, sumErrors } from './gate/score-numbers.ts';

/** Scores whose interval is found by the bootstrap. For the others there is a formula. */
const OF_CLASSES = ['balanced_accuracy', 'precision_macro', 'recall_macro', 'f1_macro'] as const;

/** How often rows are drawn. A large confusion matrix is drawn less often, so that it does not take seconds. */
const DRAWS = 1_999;
const FEW_DRAWS = 399;
const MANY_CELLS = 500;

type Bounds = Record<string, number>;

/**
 * The 95 % intervals of the scores that are means over classes, as `<name>_low` and `<name>_high`: the percentile bootstrap
 * of the confusion matrix. The bootstrap knows only the errors that occurred, so that few rows without an error would have
 * an interval of no width. Therefore no interval is narrower than Wilson's of the accuracy. Equal counts give equal
 * intervals.
 */
export function boundClassScores(scores: ClassScores): Bounds {
  const { labels, matrix } = scores.confusion_matrix;
  const counted = matrix.flatMap((row, actual) =>
    row.flatMap((count, predicted) =>
      count === 0 ? [] : [{ actual, challenger: predicted, champion: predicted, count }],
    ),
  );
  const random = new Random(
    counted.flatMap(({ actual, challenger, count }) => [actual, challenger, count]),
  );
  const scorers = OF_CLASSES.map((name) => makeClassScorer(name, counted, labels.length)!);
  const weights = new Float64Array(counted.length);
  const draws = counted.length > MANY_CELLS ? FEW_DRAWS : DRAWS;
  const drawn = OF_CLASSES.map(() => new Float64Array(draws));
  for (let draw = 0; draw < draws; draw++) {
    for (const [i, { count }] of counted.entries()) weights[i] = random.poisson(count);
    for (const [i, score] of scorers.entries()) drawn[i]![draw] = score(weights).challenger;
  }
  const { accuracy, accuracy_low, accuracy_high } = scores;
  return Object.fromEntries(
    OF_CLASSES.flatMap((name, i) => {
      const [low, high] = findBounds(drawn[i]!) ?? [scores[name], scores[name]];
      return [
        [`${name}_low`, Math.max(0, Math.min(low, scores[name] - (accuracy - accuracy_low)))],
        [`${name}_high`, Math.min(1, Math.max(high, scores[name] + (accuracy_high - accuracy)))],
      ] as const;
    }),
  );
}

/** The 95 % interval of r2, by the percentile bootstrap; empty where r2 is not defined, or for fewer than three rows. */
export function boundR2(actual: Float64Array, predicted: Float64Array): Bounds {
  const rows = actual.length;
  if (rows < 3 || actual.every((value) => value === actual[0])) return {};
  const sums = sumErrors({ actual, challenger: predicted, champion: predicted, rows });
  const score = makeNumberScorer('r2', sums)!;
  const random = new Random([...sums.challenger.squared, ...sums.targets]);
  const weights = new Float64Array(sums.rows.length);
  const drawn = new Float64Array(DRAWS);
  for (let draw = 0; draw < DRAWS; draw++) {
    for (let i = 0; i < weights.length; i++) weights[i] = random.poisson(1);
    drawn[draw] = score(weights).challenger;
  }
  const bounds = findBounds(drawn);
  if (bounds === undefined) return {};
  const whole = score(weights.fill(1)).challenger;
  return { r2_low: Math.min(bounds[0], whole), r2_high: Math.min(1, Math.max(bounds[1], whole)) };
}

/** The 2.5 % and 97.5 % points of those that are defined; undefined where none is. */
function findBounds(drawn: Float64Array): [low: number, high: number] | undefined {
  const sorted = drawn.filter(Number.isFinite).sort();
  if (sorted.length === 0) return undefined;
  const place = Math.floor(0.025 * sorted.length);
  return [sorted[place]!, sorted[sorted.length - 1 - place]!];
}
