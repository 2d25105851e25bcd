import { CLASS_METRICS, NUMBER_METRICS } from '../../contract/metric-sets.ts';
import type { Files } from '../batches/files.ts';
import type { Encoder } from '../features/encoder.ts';
import { applyWithRows } from '../features/matrix.ts';
import { partFromArrow, type Part } from '../features/part.ts';
import type { Prediction } from '../models/estimator.ts';
import { openModel, type StoredModel } from '../models/estimators.ts';
import type { Report } from '../progress.ts';
import { scoreClasses } from './class-scores.ts';
import { hasOddMajority, computeDifferenceInterval } from './intervals.ts';
import { scoreNumbers } from './number-scores.ts';

/** Whether a score of a model differs from that of another by more than chance does. */
type Verdict = 'better' | 'worse' | 'within noise';

/** The scores of the other model by name, `rows`, and `<name>_change` where a test says how ours differs. */
export type ComparisonFacts = { rows: number } & Record<string, number | string>;

/** Rows that both models can score, in their order. */
interface Paired {
  labels: string[];
  targets: number[];
  ours: Predicted;
  theirs: Predicted;
}

interface Predicted {
  labels: string[];
  numbers: number[];
}

/**
 * Scores another model on the test rows of ours. A row never changes its side of the split, so neither model has
 * been trained on them. The accuracy is compared by McNemar's exact test, errors of numbers by Student's interval of
 * the paired differences, both at 95 %.
 * @param input.parts Arrow files of test rows
 * @throws BadData when the other model cannot read the rows
 */
export function compareModels(
  input: { ours: StoredModel; other: StoredModel; parts: Uint8Array[] },
  report: Report | undefined,
  { files }: { files: Files },
): { facts: ComparisonFacts } {
  const [ours, other] = [openModel(input.ours, files), openModel(input.other, files)];
  const paired: Paired = {
    labels: [],
    targets: [],
    ours: { labels: [], numbers: [] },
    theirs: { labels: [], numbers: [] },
  };
  for (const [i, bytes] of input.parts.entries()) {
    addPart(paired, partFromArrow(bytes), ours, other);
    report?.((i + 1) / input.parts.length);
  }
  const isClassifier = ours.encoder.classes !== undefined;
  return { facts: isClassifier ? compareClasses(paired, other.encoder) : compareNumbers(paired) };
}

type OpenModel = ReturnType<typeof openModel>;

/** Adds the rows of a part that both models can score: one may leave out a row of a missing cell or a new label. */
function addPart(paired: Paired, part: Part, ours: OpenModel, other: OpenModel): void {
  const known = new Set(other.encoder.features.map(({ name }) => name));
  // Columns that came after the other model was trained are not among its features.
  const older = { ...part, features: part.features.filter(({ name }) => known.has(name)) };
  const [own, their] = [applyWithRows(ours.encoder, part), applyWithRows(other.encoder, older)];
  const ownLabels = predict(ours, own);
  const theirLabels = predict(other, their);
  const places = new Map(Array.from(their.kept, (row, i) => [row, i]));
  for (const [i, row] of own.kept.entries()) {
    const j = places.get(row);
    if (j === undefined) continue;
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
}

function predict(
  { model, encoder: { classes = [] } }: OpenModel,
  matrix: ReturnType<typeof applyWithRows>,
): { labels: string[]; numbers: ArrayLike<number> } {
  const predicted: Prediction = model.predict(matrix);
  if ('numbers' in predicted) return { labels: [], numbers: predicted.numbers };
  return { labels: Array.from(predicted.classes, (index) => classes[index]!), numbers: [] };
}

function compareClasses(
  { labels, ours, theirs }: Paired,
  { classes = [] }: Encoder,
): ComparisonFacts {
  const scores = scoreClasses(labels, theirs.labels, classes);
  if (scores === null) return { rows: 0 };
  const only = (right: readonly string[], wrong: readonly string[]): number =>
    labels.filter((label, i) => right[i] === label && wrong[i] !== label).length;
  const [gained, lost] = [only(ours.labels, theirs.labels), only(theirs.labels, ours.labels)];
  const verdict: Verdict = !hasOddMajority(gained, lost)
    ? 'within noise'
    : gained > lost
      ? 'better'
      : 'worse';
  const shown = CLASS_METRICS.shown.map((name) => [name, scores[name as 'accuracy']]);
  return {
    rows: labels.length,
    ...(Object.fromEntries(shown) as Record<string, number>),
    accuracy_change: verdict,
  };
}

function compareNumbers({ targets, ours, theirs }: Paired): ComparisonFacts {
  const scores = scoreNumbers(Float64Array.from(targets), Float64Array.from(theirs.numbers));
  if (scores === null) return { rows: 0 };
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
  const shown = NUMBER_METRICS.shown.flatMap((name) => {
    const value = scores[name as 'rmse' | 'mae' | 'r2'];
    return value === undefined ? [] : [[name, value]];
  });
  const squares = test(2);
  return {
    rows: targets.length,
    ...(Object.fromEntries(shown) as Record<string, number>),
    rmse_change: squares,
    mae_change: test(1),
    // On the same rows, r2 falls and rises with the squared errors.
    ...('r2' in scores ? { r2_change: squares } : {}),
  };
}
