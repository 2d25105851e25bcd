import { CLASS_METRICS, type MetricSet, NUMBER_METRICS } from '../../contract/metric-sets.ts';
import type { SplitRule } from '../../contract/defaults.ts';
import type { Files } from '../batches/files.ts';
import type { Encoder } from '../features/encoder.ts';
import { applyWithRows } from '../features/matrix.ts';
import { partFromArrow, type Part } from '../features/part.ts';
import type { Prediction } from '../models/estimator.ts';
import { openModel, type StoredModel } from '../models/estimators.ts';
import type { Report } from '../progress.ts';
import { scoreClasses } from './class-scores.ts';
import { hasOddMajority, computeDifferenceInterval } from './intervals.ts';
import { countFlags, leaveOutOfBoth, leaveOutOfOther, type TrainedByEither } from './leakage.ts';
import { scoreNumbers } from './number-scores.ts';
import { boundClassScores, boundR2 } from './score-intervals.ts';

/** Whether a score of a model differs from that of another by more than chance does. */
type Verdict = 'better' | 'worse' | 'within noise';

/**
 * The scores of the other model by name, with their intervals as `<name>_low` and `<name>_high`. `rows` is the number of
 * rows, `left_out` the number of rows that are left out because the other model was trained on them, and
 * `<name>_change` what a test says of how our model differs. `own_<name>` are the scores of our model on the same rows.
 *
 * Names that begin with `new_batch_` are of the test rows of the new batch alone. Those that begin with `prequential_` are
 * of all rows of the new batch, on both sides of the split: only a model that was trained on earlier batches has them.
 */
export type ComparisonFacts = { rows: number } & Record<string, number | string>;

/** Rows that both models can score, in their order. */
interface Paired {
  labels: string[];
  targets: number[];
  ours: Predicted;
  theirs: Predicted;
  /** The rows that only our model can score, or that are left out. */
  unpaired: number;
}

interface Predicted {
  labels: string[];
  numbers: number[];
}

/**
 * Scores another model on the test rows of ours: on all of them, on those of the new batch and, if it was trained on
 * earlier batches alone, on all rows of the new batch. No model is scored on a row that it was trained on. The accuracy is
 * compared by McNemar's exact test, errors of numbers by Student's interval of the paired differences, both at 95 %.
 * @param input.parts Arrow files of test rows, one per batch, the new one last
 * @param input.newTrain the train rows of the new batch; null if the other model was trained on them
 * @param input.trained of the rows of `parts`, and then of `newTrain`
 * @throws BadData when the other model cannot read the rows
 */
export function compareModels(
  input: {
    ours: StoredModel;
    other: StoredModel;
    split: SplitRule;
    parts: Uint8Array[];
    newTrain: Uint8Array | null;
    trained: TrainedByEither;
  },
  report: Report | undefined,
  { files }: { files: Files },
): { facts: ComparisonFacts } {
  const [ours, other] = [openModel(input.ours, files), openModel(input.other, files)];
  const { parts, newTrain, trained } = input;
  const theirs = leaveOutOfOther(input.split, ours.encoder, trained);
  const leftOut = leaveOutOfBoth(input.split, ours.encoder, trained).slice(0, parts.length);
  const pairs = parts.map((bytes, i) => {
    const pair = pairRows(partFromArrow(bytes), leftOut[i]!, ours, other);
    report?.((i + 1) / (parts.length + 1));
    return pair;
  });
  const [last, lastTest] = [pairs.at(-1) ?? joinPairs([]), parts.at(-1)];
  const whole =
    newTrain === null || lastTest === undefined
      ? {}
      : scoreRows([newTrain, lastTest], [theirs.at(-1)!, theirs.at(-2)!], other);
  return {
    facts: {
      ...compare(joinPairs(pairs), other.encoder, leftOut),
      ...addPrefix('new_batch_', compare(last, other.encoder, leftOut.slice(-1))),
      ...addPrefix('prequential_', whole),
      train_rows_checked: trained.both.checked + trained.theirs.checked,
    },
  };
}

type OpenModel = ReturnType<typeof openModel>;

/** Pairs the rows of a part that both models can score: one may leave out a row of a missing cell or a new label. */
function pairRows(part: Part, leftOut: Uint8Array, ours: OpenModel, other: OpenModel): Paired {
  const paired = joinPairs([]);
  const own = applyWithRows(ours.encoder, part);
  const their = applyOlder(other.encoder, part);
  const ownLabels = predict(ours, own);
  const theirLabels = predict(other, their);
  const places = new Map(Array.from(their.kept, (row, i) => [row, i]));
  for (const [i, row] of own.kept.entries()) {
    const j = places.get(row);
    if (j === undefined || leftOut[row] === 1) {
      paired.unpaired++;
      continue;
    }
    if (own.targets === undefined) {
      paired.labels.push(own.labels[i]!);
      paired.ours.labels.push(ownLabels.labels[i]!);
      paired.theirs.labels.push(theirLabels.labels[j]!);
    } else {
      paired.targets.push(own.targets[i]!);
      paired.ours.numbers.push(ownLabels.numbers[i]!);
      paired.theirs.numbers.push(theirLabels.numbers[j]!);
    }
  }
  return paired;
}

function joinPairs(pairs: readonly Paired[]): Paired {
  return {
    labels: pairs.flatMap(({ labels }) => labels),
    targets: pairs.flatMap(({ targets }) => targets),
    ours: joinPredicted(pairs.map(({ ours }) => ours)),
    theirs: joinPredicted(pairs.map(({ theirs }) => theirs)),
    unpaired: pairs.reduce((sum, { unpaired }) => sum + unpaired, 0),
  };
}

function joinPredicted(all: readonly Predicted[]): Predicted {
  return {
    labels: all.flatMap(({ labels }) => labels),
    numbers: all.flatMap(({ numbers }) => numbers),
  };
}

/** Encodes a part for a model that may be older than some of its columns. */
function applyOlder(encoder: Encoder, part: Part): ReturnType<typeof applyWithRows> {
  const known = new Set(encoder.features.map(({ name }) => name));
  const features = part.features.filter(({ name }) => known.has(name));
  return applyWithRows(encoder, { ...part, features });
}

function predict(
  { model, encoder: { classes = [] } }: OpenModel,
  matrix: ReturnType<typeof applyWithRows>,
): { labels: string[]; numbers: ArrayLike<number> } {
  const predicted: Prediction = model.predict(matrix);
  if ('numbers' in predicted) return { labels: [], numbers: predicted.numbers };
  return { labels: Array.from(predicted.classes, (index) => classes[index]!), numbers: [] };
}

type Facts = Record<string, number | string>;

/** The facts on one set of test rows. */
function compare(
  paired: Paired,
  encoder: Encoder,
  leftOut: readonly Uint8Array[],
): ComparisonFacts {
  const isClassifier = encoder.classes !== undefined;
  const rows = isClassifier ? paired.labels.length : paired.targets.length;
  const left = countFlags(leftOut);
  const changes = rows === 0 ? {} : isClassifier ? testClasses(paired) : testNumbers(paired);
  return {
    rows,
    ...scorePredicted(paired, paired.theirs, encoder),
    // On all our test rows, they are the scores of the version itself.
    ...(paired.unpaired === 0
      ? {}
      : addPrefix('own_', scorePredicted(paired, paired.ours, encoder))),
    ...changes,
    ...(left === 0 ? {} : { left_out: left }),
  };
}

function addPrefix(prefix: string, facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [prefix + name, value]));
}

/** The scores that are shown and their intervals; nothing where there are no rows. */
function scorePredicted(
  { labels, targets }: Pick<Paired, 'labels' | 'targets'>,
  predicted: Predicted,
  { classes }: Encoder,
): Facts {
  const [set, scores] =
    classes === undefined
      ? scoreTargets(targets, predicted.numbers)
      : scoreLabels(labels, predicted.labels, classes);
  const numbers = { ...scores } as Record<string, unknown>;
  const names = set.shown.flatMap((name) => [name, `${name}_low`, `${name}_high`]);
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = numbers[name];
      return typeof value === 'number' ? [[name, value]] : [];
    }),
  );
}

function scoreTargets(targets: number[], predicted: number[]): [MetricSet, object | null] {
  const [actual, guessed] = [Float64Array.from(targets), Float64Array.from(predicted)];
  const found = scoreNumbers(actual, guessed);
  return [NUMBER_METRICS, found && { ...found, ...boundR2(actual, guessed) }];
}

function scoreLabels(
  labels: string[],
  predicted: string[],
  classes: readonly string[],
): [MetricSet, object | null] {
  const found = scoreClasses(labels, predicted, classes);
  return [CLASS_METRICS, found && { ...found, ...boundClassScores(found) }];
}

/** Scores a model on the rows of some parts that it was not trained on. */
function scoreRows(parts: Uint8Array[], trained: readonly Uint8Array[], other: OpenModel): Facts {
  const labels: string[] = [];
  const targets: number[] = [];
  const predicted: Predicted = { labels: [], numbers: [] };
  for (const [i, bytes] of parts.entries()) {
    const matrix = applyOlder(other.encoder, partFromArrow(bytes));
    const found = predict(other, matrix);
    for (const [at, row] of matrix.kept.entries()) {
      if (trained[i]![row] === 1) continue;
      if (matrix.targets === undefined) {
        labels.push(matrix.labels[at]!);
        predicted.labels.push(found.labels[at]!);
      } else {
        targets.push(matrix.targets[at]!);
        predicted.numbers.push(found.numbers[at]!);
      }
    }
  }
  const left = countFlags(trained);
  return {
    rows: Math.max(labels.length, targets.length),
    ...scorePredicted({ labels, targets }, predicted, other.encoder),
    ...(left === 0 ? {} : { left_out: left }),
  };
}

function testClasses({ labels, ours, theirs }: Paired): Facts {
  const only = (right: readonly string[], wrong: readonly string[]): number =>
    labels.filter((label, i) => right[i] === label && wrong[i] !== label).length;
  const [gained, lost] = [only(ours.labels, theirs.labels), only(theirs.labels, ours.labels)];
  const verdict: Verdict = !hasOddMajority(gained, lost)
    ? 'within noise'
    : gained > lost
      ? 'better'
      : 'worse';
  return { accuracy_change: verdict };
}

function testNumbers({ targets, ours, theirs }: Paired): Facts {
  const errors = (predicted: readonly number[]): number[] =>
    targets.map((target, i) => Math.abs(target - predicted[i]!));
  const [own, their] = [errors(ours.numbers), errors(theirs.numbers)];
  const largest = [...own, ...their].reduce((a, b) => Math.max(a, b), 0);
  const scale = largest === 0 ? 1 : largest; // squares of large errors must not overflow
  const test = (power: 1 | 2): Verdict => {
    const differences = own.map(
      (error, i) => (error / scale) ** power - (their[i]! / scale) ** power,
    );
    const [low, high] = computeDifferenceInterval(differences);
    return high < 0 ? 'better' : low > 0 ? 'worse' : 'within noise';
  };
  const squares = test(2);
  return {
    rmse_change: squares,
    mae_change: test(1),
    // On the same rows, r2 falls and rises with the squared errors. A single row has none.
    ...(targets.length > 1 ? { r2_change: squares } : {}),
  };
}
